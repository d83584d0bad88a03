# Checks of the builders for npm, with tarballs that are packed here (packages.nix) instead of being fetched, and graphs
# written by hand. Building all of `checks` in the sandbox is the test; `refused` must not evaluate, `failing` not build,
# and tests/tests/npm_builders.rs says with which words.
{
  # The content of a hostpkgs/toolchain.json.
  toolchain,
  overlay ? ../../../templates/overlay,
  hostpkgs ? ../../../templates/hostpkgs,
}:

let
  programs = import ./programs.nix { inherit toolchain overlay hostpkgs; };
  inherit (programs)
    pkgs
    lib
    system
    platform
    here
    row
    one
    withBin
    script
    programWith
    program
    plain
    layout
    adder
    scripted
    loud
    quiet
    nodeAlone
    withoutNode
    linking
    downloaded
    limited
    elsewhere
    fastRows
    family
    fast
    onMusl
    pkgsWith
    workspace
    project
    withFile
    unprepared
    fromGit
    ;
  inherit (import ./conditions.nix { inherit pkgs; })
    placesOf
    prints
    holds
    needsNodeAlone
    same
    ;

  alone = name: plain name { ${name} = one; };
  hostile = [
    "up"
    "absolute"
    "by-pax"
    "damaged"
    "file-as-folder"
  ];
in

{
  inherit pkgs layout adder scripted;

  checks = {
    layout = prints layout "layout" "2 mid with leaf 1 scoped 1 bundler with inner true";
    interpreters = holds layout [
      ''[ "$(head -n 1 node_modules/layout/bin/layout.js)" = "#!${pkgs.nodejs}/bin/node" ]''
      ''grep -q "^#!/usr/bin/env -S ${pkgs.nodejs}/bin/node --no-warnings " node_modules/layout/bin/split.js''
      ''[ "$("$built/bin/shell")" = shell ]''
      ''[ "$("$built/bin/up")" = shell ]''
      ''[ -x node_modules/layout/bin/plain.js ]''
      ''[ "$(cat node_modules/layout/bin/plain.js)" = "console.log('no interpreter');" ]''
    ];
    split = prints layout "split" "--no-warnings --stack-size=900";
    starts = (plain "fast" { fast = withBin { fast = "cli.js"; }; }).tests.smoke;
    links = holds layout [
      ''[ "$(readlink node_modules/.bin/same)" = ../mid/same.js ]''
      ''[ "$(node_modules/.bin/same)" = "of mid" ]''
      ''[ ! -e node_modules/.bin/absent ] && [ ! -L node_modules/.bin/absent ]''
      ''[ "$(node_modules/bundler/node_modules/.bin/inner-tool)" = "tool of inner" ]''
      ''[ "$(readlink "$built/bin/layout")" = ../libexec/layout/node_modules/layout/bin/layout.js ]''
      ''[ "$(ls "$built/bin" | tr '\n' ' ')" = "layout plain shell split up " ]''
    ];
    tarball = holds (alone "odd") [
      ''[ ! -x node_modules/odd/mode-0604 ] && [ ! -x node_modules/odd/mode-0640 ] && [ ! -x node_modules/odd/mode-0666 ]''
      ''[ -x node_modules/odd/mode-0777 ] && [ -x node_modules/odd/mode-4755 ] && [ -x node_modules/odd/mode-0100 ]''
      ''[ ! -u node_modules/odd/mode-4755 ]''
      ''[ -e node_modules/odd/folder ] && [ -e node_modules/odd/odd-folder/dotted ]''
      ''[ "$(cat node_modules/odd/.npmignore)" = "becomes .npmignore" ] && [ ! -e node_modules/odd/.gitignore ]''
      ''[ "$(cat node_modules/odd/has/.npmignore)" = stays ] && [ ! -e node_modules/odd/has/.gitignore ]''
      ''[ "$(cat node_modules/odd/twice)" = second ]''
      ''[ ! -e node_modules/odd/hard ] && [ ! -L node_modules/odd/to-passwd ] && [ ! -e node_modules/odd/device ]''
      ''[ "$(find node_modules/odd/long-name-by-pax -type f -exec cat {} +)" = pax ]''
      ''[ "$(find node_modules/odd/long-name-by-gnu -type f -exec cat {} +)" = gnu ]''
      ''[ "$(cat node_modules/odd/ümlaut)" = utf-8 ]''
    ];
    through-link = holds (alone "through-link") [
      ''[ "$(cat node_modules/through-link/out/escaped)" = "written into a plain folder" ]''
    ];

    addon = prints adder "uses-adder" "3 /tree/node_modules/adder/include/place.h";
    addon-alone = holds adder [
      ''[ "$(cd node_modules/adder/build && find . -type f)" = ./Release/adder.node ]''
      ''[ ! -e node_modules/adder/build/node_gyp_bins ]''
    ];
    references = needsNodeAlone adder;
    references-of-scripts = needsNodeAlone scripted;
    scripts = holds scripted [
      ''[ "$(tr '\n' , < node_modules/scripted/order)" = "preinstall,install,postinstall,preextra,extra two words," ]''
      ''[ "$(cat node_modules/scripted/written-by-helper)" = "made by a script" ]''
      ''[ ! -e node_modules/scripted/goes ] && [ -e node_modules/scripted/extra.js ]''
      ''[ "$(readlink node_modules/scripted/link-to-order)" = order ] && [ ! -L node_modules/scripted/link-out ]''
      ''grep -qx npm_lifecycle_event=extra node_modules/scripted/environment''
      ''grep -qx npm_package_name=scripted node_modules/scripted/environment''
      ''grep -qx npm_package_config_colour=blue node_modules/scripted/environment''
      ''grep -qx 'TOLD=told by overrides' node_modules/scripted/environment''
      # What stands in its folder is laid out by the program, with its own script's outcome or none.
      ''[ ! -e node_modules/scripted/node_modules/needed/index.js ] && [ -e node_modules/needed/index.js ]''
    ];
    cycle =
      holds
        (plain "chicken" {
          chicken = script [ "egg" ];
          egg = script [ "chicken" ];
        })
        [
          ''[ "$(cat node_modules/chicken/note)" = egg ] && [ "$(cat node_modules/egg/note)" = chicken ]''
        ];
    no-gyp = holds (plain "no-gyp" { no-gyp = script [ ]; }) [
      ''[ ! -e node_modules/no-gyp/build ]''
    ];
    compiles = holds (plain "compiles" { compiles = script [ ]; }) [
      ''[ -e node_modules/compiles/build/Release/adder.node ]''
    ];
    telling = holds (plain "telling" { telling = script [ ]; }) [ ''[ -e node_modules/telling/tell.js ]'' ];
    may-break = prints (plain "may-break" {
      may-break = withBin { may-break = "cli.js"; };
      breaks = script [ ] // { optional = true; };
    }) "may-break" "left out";
    download-given =
      holds
        (loud.withOverrides {
          packages.loud.downloads."https://downloads.example/loud/1.0/program?for=linux" = downloaded;
        })
        [ ''[ "$(node_modules/loud/program)" = downloaded ]'' ];
    download-given-to-https =
      holds
        (quiet.withOverrides { packages.quiet.downloads."https://downloads.example/quiet-1.0" = downloaded; })
        [ ''[ "$(node_modules/quiet/program)" = downloaded ]'' ];
    script-skipped =
      holds
        (loud.withOverrides {
          packages."loud-1.0.0" = {
            skipScript = true;
            postPatch = "echo instead > note";
          };
        })
        [ ''[ "$(cat node_modules/loud/note)" = instead ]'' ];
    # What a script makes is a derivation that other programs find built.
    units = same "units" (lib.attrNames adder.units) [ "adder" ];
    unit-is-shared =
      same "unit-is-shared"
        (plain "loud" {
          loud = one;
          adder = script [ ];
        }).units.adder.drvPath
        adder.units.adder.drvPath;

    patched =
      holds
        (layout.withOverrides {
          patches = [ ./layout.patch ];
          packages.mid.patches = [ ./mid.patch ];
          postInstall = ''mkdir "$out/share"'';
        })
        [
          ''[ -d "$built/share" ]''
          ''[ "$("$built/bin/layout")" = "patched 2 better mid with leaf 1 scoped 1 bundler with inner true" ]''
        ];

    platform = prints fast "fast" "this";
    platform-musl = same "platform-musl" (lib.elem "node_modules/@fast/musl" (
      placesOf (
        programWith onMusl "fast" { packages = fastRows; } { }
      )
    )) (here.os == "linux");
    platform-elsewhere = same "platform-elsewhere" (placesOf (
      program "fast" {
        packages = {
          fast = one;
          leaf = row "1.0.0" { on = [ "riscv64-linux" ]; };
        };
      } { }
    )) [ "node_modules/fast" ];
    platforms =
      same "platforms"
        (program "fast" (
          family
          // {
            systems = [
              "riscv64-linux"
              system
            ];
            packages = fastRows;
          }
        ) { }).meta.platforms
        [ system ];
    may-lack = prints (program "fast" (family // { packages = removeAttrs fastRows [ "@fast/this" ]; }) {
      overrides.mayLack = [ "fast" ];
    }) "fast" "";
    platform-rules =
      let
        rules = [
          # row, fits linux x64 glibc, fits darwin arm64
          [ { } true true ]
          [ { os = "linux"; } true false ]
          [ { os = [ "!win32" ]; } true true ]
          [ { os = [ "!linux" "darwin" ]; } false true ]
          [ { os = "any"; } true true ]
          [ { cpu = [ "x64" "ia32" ]; } true false ]
          [ { libc = "glibc"; } true false ]
          [ { libc = "musl"; } false false ]
        ];
        fits = machine: rule: platform.fits (platform.ofSystem machine false) (lib.elemAt rule 0);
      in
      same "platform-rules" (map (rule: [ (fits "x86_64-linux" rule) (fits "aarch64-darwin" rule) ]) rules) (
        map (rule: [ (lib.elemAt rule 1) (lib.elemAt rule 2) ]) rules
      );
    engines = import ./semver.nix {
      inherit lib same;
      semver = import (overlay + "/lib/npm/semver.nix") { inherit lib; };
    };

    workspace = prints workspace "one" "one with leaf 2 and two with leaf 1";
    workspace-links = holds workspace [
      ''[ "$(readlink node_modules/@work/one)" = ../../packages/one ]''
      ''[ "$(readlink node_modules/.bin/one)" = ../@work/one/cli.js ]''
      ''[ "$(cat packages/two/made)" = "by a script" ] && [ -e packages/two/index.js ]''
    ];
    project = prints project "project" "made by maker, with leaf 1";
    project-tree = holds project [
      ''[ ! -e node_modules/maker ] && [ ! -e node_modules/.bin ] && [ -e src/cli.js ]''
    ];
    engine-allowed = prints (program "fast" { packages = fastRows; } {
      nodeEngine = ">=99";
      overrides.engineStrict = false;
    }) "fast" "this";
    file-tarball = prints withFile "with-file" "2";
    git = prints fromGit "git-user" "from git";
  };

  refused = {
    engine = program "layout" { packages.layout = one; } { nodeEngine = ">=99 || ^18.0.0-0"; };
    family = program "fast" (family // { packages = removeAttrs fastRows [ "@fast/this" ]; }) { };
    required = plain "fast" { fast = row "1.0.0" { os = elsewhere; cpu = [ "!mips" ]; }; };
    system = program "fast" {
      systems = [ "riscv64-linux" ];
      packages.fast = one;
    } { };
    musl = programWith onMusl "fast" {
      packages = {
        fast = one;
        "@fast/this" = limited here.os here.cpu { libc = "glibc"; };
      };
    } { };
    schema = program "fast" { schema = 9; packages.fast = one; } { };
    key = program "fast" { packages.fast = one; } { overrides.pachtes = [ ]; };
    dependency-key = program "fast" { packages.fast = one; } { overrides.packages.fast.skipscript = true; };
  };

  failing =
    lib.genAttrs hostile alone
    // {
      inherit loud quiet;
      by-socket = plain "by-socket" { by-socket = script [ ]; };
      unprepared =
        programWith (pkgsWith [ (_: _: { fetchgit = _: unprepared; }) ]) "leaf" {
          packages = {
            leaf = one;
            unprepared = {
              v = "1.0.0";
              git = "https://git.example/unprepared.git";
              rev = "0123456789abcdef0123456789abcdef01234567";
              h = "";
            };
          };
        } { };
      behind-link =
        programWith (pkgsWith [ (_: _: { fetchgit = _: linking; }) ]) "leaf" {
          packages = {
            leaf = one;
            linking = {
              v = "1.0.0";
              git = "https://git.example/linking.git";
              rev = "0123456789abcdef0123456789abcdef01234567";
              h = "";
            };
            "linking//leaf" = one;
          };
        } { };
      no-node = programWith withoutNode "leaf" { packages.leaf = one; } { nodeEngine = ">=18"; };
      headers = programWith nodeAlone "adder" { packages.adder = script [ ]; } { };
      breaks = plain "breaks" { breaks = script [ ]; };
      program = plain "fast" { fast = withBin { fast = "nowhere.js"; }; };
      bundled = plain "leaf" {
        leaf = one;
        "leaf//inner" = {
          v = "1.0.0";
          bundled = true;
        };
      };
    };

  # Built twice, these have the same bytes.
  repeated = {
    inherit layout;
    inherit (adder.units) adder;
  };
}
