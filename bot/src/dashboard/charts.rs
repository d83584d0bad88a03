//! Pictures made on the server: SVG without styles of its own, coloured by the stylesheet's classes. What each shows is said in its
//! label, and stands in the JSON as numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::ansi::escaped;
use super::views::{Charts, GraphDoc, NodeState};
use crate::message::text::{clip, one_line};

/// How many days a chart shows.
const DAYS: u32 = 30;

/// The days that end today, oldest first.
fn days(now: Timestamp) -> Vec<String> {
    let day = |back: u32| {
        let at = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(back))).unwrap_or(now);
        at.strftime("%Y-%m-%d").to_string()
    };
    (0..DAYS).rev().map(day).collect()
}

/// Runs by day: one bar a day, what failed on top.
pub(crate) fn builds(charts: &Charts, now: Timestamp) -> String {
    let most = charts.builds.iter().map(|day| day.succeeded + day.failed).max().unwrap_or(0).max(1);
    let (succeeded, failed) =
        charts.builds.iter().fold((0, 0), |(good, bad), day| (good + day.succeeded, bad + day.failed));
    let mut svg =
        open(&format!("Runs by day in {DAYS} days: {succeeded} succeeded, {failed} failed, at most {most} on a day"));
    for (place, day) in days(now).iter().enumerate() {
        let Some(found) = charts.builds.iter().find(|found| found.day == *day) else { continue };
        let height = |count: u32| (u64::from(count) * 90).div_ceil(u64::from(most));
        let (good, bad) = (height(found.succeeded), height(found.failed));
        let x = place * 10 + 1;
        let _ = write!(
            svg,
            "<g><title>{day}: {} succeeded, {} failed</title><rect class=\"good\" x=\"{x}\" y=\"{}\" width=\"8\" height=\"{good}\"/><rect class=\"bad\" x=\"{x}\" y=\"{}\" width=\"8\" height=\"{bad}\"/></g>",
            found.succeeded,
            found.failed,
            96 - good.min(96),
            96 - (good + bad).min(96),
        );
    }
    close(svg)
}

/// The share of packages that were up to date at the end of each day, as a line.
pub(crate) fn freshness(charts: &Charts, now: Timestamp) -> String {
    let share = |place: usize, day: &str| {
        let found = charts.freshness.iter().find(|found| found.day == day)?;
        let share = u64::from(found.up_to_date) * 100 / u64::from(found.packages.max(1));
        Some((place, share.min(100), day.to_owned()))
    };
    let points: Vec<_> = days(now).iter().enumerate().filter_map(|(place, day)| share(place, day)).collect();
    let label = match (points.first(), points.last()) {
        (Some((_, first, from)), Some((_, last, to))) => {
            format!("Packages up to date: {first} % on {from}, {last} % on {to}")
        }
        _ => "Packages up to date: nothing is known yet".to_owned(),
    };
    let mut svg = open(&label);
    let line: Vec<String> =
        points.iter().map(|(place, share, _)| format!("{},{}", place * 10 + 5, 96 - share * 9 / 10)).collect();
    let _ = write!(svg, "<polyline class=\"line\" points=\"{}\"/>", line.join(" "));
    for (place, share, day) in &points {
        let (x, y) = (place * 10 + 5, 96 - share * 9 / 10);
        let _ = write!(
            svg,
            "<circle class=\"point\" cx=\"{x}\" cy=\"{y}\" r=\"2.5\"><title>{day}: {share} % up to date</title></circle>"
        );
    }
    close(svg)
}

fn open(label: &str) -> String {
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 300 100\" role=\"img\" aria-label=\"{label}\"><path class=\"axis\" d=\"M0 96.5H300M0 6.5H300\"/>"
    )
}

fn close(mut svg: String) -> String {
    svg.push_str("</svg>");
    svg
}

/// No more nodes are drawn: more than these nobody reads.
const DRAWN: usize = 150;

// Distances of columns and rows, and the size of a node.
const COLUMN: usize = 230;
const ROW: usize = 30;
const WIDTH: usize = 190;
const HEIGHT: usize = 22;

/// The dependency graph in columns, each node right of everything that needs it. Of the edges those are drawn that say something
/// which no longer way says already.
pub(crate) fn graph(doc: &GraphDoc) -> String {
    let needs = needs(doc);
    let drawn = chosen(doc, &needs);
    let mut columns: Vec<Vec<usize>> = Vec::new();
    for &node in &drawn {
        let depth = doc.nodes[node].depth;
        if columns.len() <= depth {
            columns.resize(depth + 1, Vec::new());
        }
        columns[depth].push(node);
    }
    columns.retain(|column| !column.is_empty());
    let place = placed(&needs, &mut columns);
    let rows = columns.iter().map(Vec::len).max().unwrap_or(1);
    let (width, height) = (columns.len() * COLUMN, rows * ROW + 10);
    let mut svg = format!(
        "<svg class=\"graph\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"group\" aria-label=\"Dependency graph: {} of {} packages\">",
        drawn.len(),
        doc.nodes.len()
    );
    for edge in doc.edges.iter().filter(|edge| says_something(doc, &needs, edge.from, edge.to)) {
        let (Some(&(x1, y1)), Some(&(x2, y2))) = (place.get(&edge.from), place.get(&edge.to)) else { continue };
        let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
        let bend = (x2.max(x1) - x1) / 2;
        let _ = write!(
            svg,
            "<path class=\"edge\" data-from=\"n{}\" data-to=\"n{}\" d=\"M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}\"/>",
            edge.from,
            edge.to,
            x1 + bend,
            x2 - bend.min(x2),
        );
    }
    for (&node, &(x, y)) in &place {
        let state = doc.nodes[node].state;
        let name = format!("{} {}", one_line(&doc.nodes[node].name), one_line(&doc.nodes[node].version));
        let (name, short) = (escaped(&name), escaped(&clip(&name, 26)));
        let mark = match state {
            NodeState::Reused => "✓",
            NodeState::Built => "▸",
            NodeState::Failed => "✕",
            NodeState::Source => "·",
        };
        let _ = write!(
            svg,
            "<a href=\"#row-{node}\" class=\"node {}\" data-node=\"n{node}\"><title>{name}: {}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\"/><text x=\"{}\" y=\"{}\">{mark} {short}</text></a>",
            state.as_str(),
            state.label(),
            x + 7,
            y + 15,
        );
    }
    close(svg)
}

/// What each node needs.
fn needs(doc: &GraphDoc) -> Vec<Vec<usize>> {
    let mut needs = vec![Vec::new(); doc.nodes.len()];
    for edge in &doc.edges {
        needs[edge.from].push(edge.to);
    }
    needs
}

/// The nodes that are drawn: those about what somebody asks for, and of many the ones that were built, then the near ones.
fn chosen(doc: &GraphDoc, needs: &[Vec<usize>]) -> Vec<usize> {
    let mut nodes: Vec<usize> = (0..doc.nodes.len()).collect();
    if let Some(focus) = &doc.query.focus {
        let mut needed_by = vec![Vec::new(); nodes.len()];
        for edge in &doc.edges {
            needed_by[edge.to].push(edge.from);
        }
        let wanted: Vec<usize> = nodes.iter().copied().filter(|&node| doc.nodes[node].name == *focus).collect();
        let (below, above) = (reached(&wanted, needs), reached(&wanted, &needed_by));
        nodes.retain(|&node| below[node] || above[node]);
    }
    nodes.sort_by_key(|&node| {
        let found = &doc.nodes[node];
        (node != doc.root, std::cmp::Reverse(found.state), found.depth, node)
    });
    nodes.truncate(DRAWN);
    nodes
}

/// What can be reached from some nodes, themselves included.
fn reached(from: &[usize], next: &[Vec<usize>]) -> Vec<bool> {
    let mut seen = vec![false; next.len()];
    let mut waiting = from.to_vec();
    while let Some(node) = waiting.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            waiting.extend(&next[node]);
        }
    }
    seen
}

/// Whether an edge is drawn: each to the next column, and of the longer ones those that no way over another node says.
fn says_something(doc: &GraphDoc, needs: &[Vec<usize>], from: usize, to: usize) -> bool {
    let (near, far) = (doc.nodes[from].depth, doc.nodes[to].depth);
    if far == near + 1 {
        return true;
    }
    // Everything is below the root anyway; an edge backwards closes a circle.
    far > near && from != doc.root && !needs[from].iter().any(|over| *over != to && needs[*over].contains(&to))
}

/// Where each node is: in its column, near the middle of what it is connected with in the column before.
fn placed(needs: &[Vec<usize>], columns: &mut [Vec<usize>]) -> BTreeMap<usize, (usize, usize)> {
    let mut row: BTreeMap<usize, usize> = BTreeMap::new();
    for column in &mut *columns {
        let middle = |node: usize| {
            let parents: Vec<usize> =
                row.iter().filter(|(parent, _)| needs[**parent].contains(&node)).map(|(_, row)| *row).collect();
            if parents.is_empty() { usize::MAX } else { parents.iter().sum::<usize>() * 16 / parents.len() }
        };
        column.sort_by_cached_key(|&node| (middle(node), node));
        for (place, &node) in column.iter().enumerate() {
            row.insert(node, place);
        }
    }
    let places = columns
        .iter()
        .enumerate()
        .flat_map(|(x, column)| column.iter().enumerate().map(move |(y, &node)| (node, (x * COLUMN + 5, y * ROW + 5))));
    places.collect()
}
