use std::time::Duration;

use crate::message::text::{clip, duration, one_line, plain_log, tail};

#[test]
fn a_log_loses_its_colours_and_keeps_its_words() {
    let log =
        "\u{1b}[1;31merror\u{1b}[0m: no\n\u{1b}]8;;https://registry.example\u{7}link\u{1b}]8;;\u{1b}\\ text\u{1b}(B\n";
    assert_eq!(plain_log(log), "error: no\nlink text\n");
}

#[test]
fn a_progress_bar_shows_its_last_state() {
    assert_eq!(plain_log("10 %\r50 %\r100 %\r\nnext\r\n"), "100 %\nnext\n");
}

#[test]
fn an_escape_that_does_not_end_takes_its_line_and_no_more() {
    assert_eq!(plain_log("a\u{1b}[12\nb\u{1b}]0;title\nc\u{1b}"), "a\nb\nc");
}

#[test]
fn characters_that_act_are_seen_to_have_been_there() {
    assert_eq!(plain_log("a\u{8}b\u{202e}c\u{9b}31md\tz"), "a\u{fffd}b\u{fffd}cd\tz");
    assert_eq!(one_line(" a\u{0}b \n\t c\u{2066}d\u{85}"), "a\u{fffd}b c\u{fffd}d");
}

#[test]
fn a_tail_is_the_end_within_both_limits() {
    assert_eq!(tail("one\ntwo\nthree\n\n", 2, 100), "two\nthree");
    assert_eq!(tail("one\ntwo\nthree\n", 9, 10), "two\nthree");
    assert_eq!(tail(&"x".repeat(1000), 9, 1000).chars().count(), 300);
    assert_eq!(tail("", 9, 9), "");
}

#[test]
fn what_is_clipped_shows_it() {
    assert_eq!(clip("äöü", 3), "äöü");
    assert_eq!(clip("äöüß", 3), "äö…");
}

#[test]
fn durations_have_two_figures_that_matter() {
    let shown: Vec<String> = [0, 999, 1_000, 9_999, 10_000, 59_999, 60_000, 125_000, 3_599_999, 3_600_000, 90_000_000]
        .map(|millis| duration(Duration::from_millis(millis)))
        .to_vec();
    assert_eq!(
        shown,
        [
            "0 ms",
            "999 ms",
            "1.0 s",
            "9.9 s",
            "10 s",
            "59 s",
            "1 min 0 s",
            "2 min 5 s",
            "59 min 59 s",
            "1 h 0 min",
            "25 h 0 min"
        ]
    );
}
