//! Repositories: plans of what their tags hold.

use nixwright_resolver::plan::Graph;

use super::{Format, ResolveArgs, cargo, document, npm};
use crate::cli::exit::CliError;
use crate::cli::progress::Bars;
use crate::model::RepositoryName;
use crate::stages::resolve::{RepositoryRelease, repository_plan};
use crate::stages::watch::{Followed, find_tag};

/// What `nixwright resolve` prints for a release.
pub(super) async fn resolve(
    args: &ResolveArgs,
    repository: &RepositoryName,
    subpath: Option<&str>,
    version: Option<&str>,
) -> Result<String, CliError> {
    if args.before.is_some() {
        return Err(CliError::usage(
            "--before: repositories do not say when a tag was made; name the tag after an `@`",
        ));
    }
    let (crates, trees) = (cargo::releases().await?, npm::trees(args).await?);
    let tagged = find_tag(&crates.git, Followed { repository, subpath, prefix: None }, version).await?;
    let systems = cargo::triples(args);
    let release = RepositoryRelease {
        repository: repository.clone(),
        subpath: subpath.map(str::to_owned),
        version: tagged.version.to_string(),
        tag: tagged.tag,
        commit: tagged.commit,
        systems: systems.clone(),
        selection: args.selection.selection(),
    };
    let bar = Bars::default().bar("resolving");
    let plan = repository_plan(&release, &crates, &trees, &bar).await;
    bar.finish_and_clear();
    let plan = plan?;
    match &plan.graph {
        Graph::Cargo(_) => {
            args.require_format(&cargo::FORMATS, "Cargo projects")?;
            cargo::render(args.format, &plan, &systems[0].system)
        }
        Graph::Npm(graph) => {
            args.require_format(&npm::FORMATS, "npm projects")?;
            if args.format == Format::PackageLock { Ok(graph.lock.clone()) } else { document(args.format, &plan) }
        }
        Graph::Go(_) => document(args.format, &plan),
    }
}
