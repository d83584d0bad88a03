//! The canary lets through what isolates, and says what leaks where a protection is left out.

use super::settings;
use crate::clients::nix::{CanaryReport, Nix, NixError, NixSettings, Protections};

async fn canary(protections: Protections, change: impl FnOnce(&mut NixSettings)) -> Result<CanaryReport, NixError> {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    change(&mut settings);
    Nix::open_with(settings, protections).await.unwrap().canary().await
}

async fn leaks(protections: Protections) -> Vec<String> {
    match canary(protections, |_| ()).await {
        Err(error @ NixError::SandboxLeaks { .. }) => {
            assert!(error.is_machine_problem());
            let NixError::SandboxLeaks { leaks } = error else { unreachable!() };
            leaks
        }
        other => panic!("not refused for a leak: {other:#?}"),
    }
}

#[tokio::test]
async fn with_all_protections_builds_are_isolated_each_time_anew() {
    let folder = tempfile::tempdir().unwrap();
    let nix = Nix::open(settings(folder.path())).await.unwrap();
    for _ in 0..2 {
        let report = nix.canary().await.unwrap();
        assert_eq!(report.proven.len(), 4);
    }
}

#[tokio::test]
async fn without_a_network_namespace_it_refuses_because_of_fixed_output_builds() {
    let leaks = leaks(Protections { network: false, ..Protections::default() }).await;
    assert!(leaks.iter().any(|leak| leak == "builds share the host's 127.0.0.1"), "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak == "builds can connect to the host's 127.0.0.1"), "{leaks:?}");
}

#[tokio::test]
async fn with_writable_host_folders_it_refuses() {
    let leaks = leaks(Protections { read_only_paths: false, ..Protections::default() }).await;
    assert!(leaks.iter().any(|leak| leak.contains("/usr is not mounted read-only")), "{leaks:?}");
}

#[tokio::test]
async fn with_builds_as_root_in_writable_folders_it_refuses_and_leaves_nothing() {
    let host = tempfile::tempdir().unwrap();
    let shown = host.path().to_owned();
    let protections = Protections { read_only_paths: false, build_users: false, ..Protections::default() };
    let result = canary(protections, |settings| settings.sandbox_paths.push(shown.clone())).await;
    let Err(NixError::SandboxLeaks { leaks }) = result else { panic!("{result:#?}") };
    let expected = format!("builds can write into the host's {}", shown.display());
    assert!(leaks.contains(&expected), "{leaks:?}");
    assert_eq!(std::fs::read_dir(&shown).unwrap().count(), 0);
}

#[tokio::test]
async fn without_users_for_builds_it_refuses_because_of_the_kernels_settings() {
    let leaks = leaks(Protections { build_users: false, ..Protections::default() }).await;
    assert!(leaks.iter().any(|leak| leak == "builds run as the machine's root"), "{leaks:?}");
    assert!(leaks.iter().any(|leak| leak.ends_with("/proc/sys/kernel/core_pattern")), "{leaks:?}");
}

#[tokio::test]
async fn without_nixs_sandbox_it_refuses_because_of_the_hosts_files() {
    let leaks = leaks(Protections { nix_sandbox: false, ..Protections::default() }).await;
    for path in ["/etc/shadow", "/nix/var"] {
        assert!(leaks.iter().any(|leak| leak == &format!("builds see the host's {path}")), "{leaks:?}");
    }
}

#[tokio::test]
async fn a_shown_folder_that_builds_cannot_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let host = tempfile::tempdir().unwrap();
    let shown = host.path().join("closed");
    std::fs::create_dir(&shown).unwrap();
    std::fs::set_permissions(&shown, PermissionsExt::from_mode(0o700)).unwrap();
    let result = canary(Protections::default(), |settings| settings.sandbox_paths.push(shown.clone())).await;
    let Err(error @ NixError::SandboxBroken { .. }) = result else { panic!("{result:#?}") };
    assert!(error.to_string().contains(&format!("builds cannot read {}", shown.display())), "{error}");
}

#[tokio::test]
async fn a_shown_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.sandbox_paths.push("/no/such/folder".into());
    let error = Nix::open(settings).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/folder is to be shown to builds: No such file"), "{error}");
    assert!(error.is_machine_problem());
}
