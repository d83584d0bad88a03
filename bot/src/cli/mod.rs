//! The command line: parse, wire, exit codes. One file a subcommand.

mod add;
mod build;
mod check_config;
mod dashboard;
mod doctor;
mod exit;
mod forge;
mod generate;
mod lock;
mod output;
mod progress;
mod resolve;
mod run;
mod status;
mod wiring;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

pub use exit::{CliError, Exit};

/// Keeps a Nix overlay of Rust, Go and npm programs up to date by itself.
#[derive(Debug, Parser)]
#[command(
    name = "nixwright",
    version,
    about = "Keeps a Nix overlay of Rust, Go and npm programs up to date by itself",
    after_help = "Exit codes: 0 done, 1 something failed and was recorded, 2 bad usage or configuration, \
                  3 this machine lacks something (`nixwright doctor` says what)."
)]
struct Cli {
    /// The configuration file [default: config/nixwright.toml, else nixwright.toml]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The bot: watch, resolve, write, build, publish
    Run(run::RunArgs),
    /// Look an upstream up and add it to the configuration
    Add(add::AddArgs),
    /// Resolve a release and print its plan, its units or its edges
    Resolve(resolve::ResolveArgs),
    /// Write package.nix and graph.json for a project on disk
    Generate(generate::GenerateArgs),
    /// Build one package of the overlay
    Build(build::BuildArgs),
    /// What one lock for several programs would save
    Lock(lock::LockArgs),
    /// What is where, and why
    Status(status::StatusArgs),
    /// Write the status pages as static files
    Dashboard(dashboard::DashboardArgs),
    /// Is the configuration valid?
    CheckConfig,
    /// Does this machine have what the bot needs?
    Doctor(doctor::DoctorArgs),
    /// Print completions for a shell
    #[command(after_help = "Example: nixwright completions bash > /etc/bash_completion.d/nixwright")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return CliError::machine(format!("cannot start threads: {error}")).report(),
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(exit) => exit.code(),
        Err(error) => error.report(),
    }
}

async fn dispatch(cli: Cli) -> Result<Exit, CliError> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Run(args) => Box::pin(run::run(config, &args)).await,
        Command::Add(args) => add::run(config, &args).await,
        Command::Resolve(args) => resolve::run(&args).await,
        Command::Generate(args) => generate::run(&args).await,
        Command::Lock(args) => lock::run(config, &args).await,
        Command::Build(args) => build::run(config, &args).await,
        Command::Status(args) => status::run(config, &args).await,
        Command::Dashboard(args) => dashboard::run(config, &args).await,
        Command::CheckConfig => check_config::run(config),
        Command::Doctor(args) => doctor::run(config, &args).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "nixwright", &mut std::io::stdout());
            Ok(Exit::Done)
        }
    }
}

/// Logs go to standard error; `NIXWRIGHT_LOG` takes a filter of the `tracing` kind.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "nixwright=info,warn",
        _ => "nixwright=debug,info",
    };
    let filter = EnvFilter::try_from_env("NIXWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(output::colours_wanted(std::io::stderr().is_terminal()))
        .with_target(false)
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
