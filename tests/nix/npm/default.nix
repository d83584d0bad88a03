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
  contents = import ./packages.nix;

  packTarballs = final: prev: {
    fetchurl =
      { name, url, ... }:
      final.runCommand name
        {
          inherit url;
          members = builtins.toJSON (contents.${name} or (throw "packages.nix has no ${name}"));
          passAsFile = [ "members" ];
          nativeBuildInputs = [ final.nodejs ];
        }
        ''node ${./pack.mjs} "$membersPath" "$out"'';
  };

  pkgsOn =
    toolchain: more:
    import hostpkgs {
      inherit toolchain;
      overlays = [
        packTarballs
        (import (overlay + "/lib/overlays.nix")).default
      ]
      ++ more;
    };
  pkgsWith = pkgsOn toolchain;
  pkgs = pkgsWith [ ];
  inherit (pkgs) lib;
  inherit (pkgs.stdenv.hostPlatform) system;

  platform = import (overlay + "/lib/npm/platform.nix") { inherit lib; };
  here = platform.ofSystem system false;

  graphFile =
    root: graph:
    builtins.toFile "graph.json" (
      builtins.toJSON (
        {
          schema = 1;
          purl = "pkg:npm/${root}@1.0.0";
          inherit root;
          systems = [ system ];
        }
        // graph
      )
    );

  # A row of a package of the registry.
  row = version: more: {
    v = version;
    h = "sha512-${version}";
  } // more;
  one = row "1.0.0" { };
  withBin = bin: row "1.0.0" { inherit bin; };
  script = needs: row "1.0.0" { script = needs; };

  # The program whose root is `root`; the other rows and what else the graph says are in `graph`.
  programWith =
    pkgs: root: graph: arguments:
    pkgs.nixwright.buildNpmPackage (
      {
        directory = ./graphs;
        graphFile = graphFile root graph;
        pname = root;
        version = "1.0.0";
      }
      // arguments
    );
  program = programWith pkgs;
  plain = root: packages: program root { inherit packages; } { };

  layout = plain "layout" {
    layout = withBin {
      layout = "bin/layout.js";
      split = "./bin/split.js";
      shell = "bin/shell";
      plain = "bin/plain.js";
      # What npm makes harmless.
      "../../up" = "../../../bin/shell";
    };
    leaf = row "2.0.0" { };
    mid = withBin {
      same = "same.js";
      absent = "not-there.js";
    };
    "mid//leaf" = one;
    "@acme/scoped" = one;
    other-leaf = row "1.0.0" { name = "leaf"; };
    bundler = one;
    "bundler//inner" = {
      v = "0.1.0";
      bundled = true;
      bin.inner-tool = "tool.js";
    };
  };

  adder = plain "uses-adder" {
    uses-adder = withBin { uses-adder = "cli.js"; };
    adder = script [ ];
  };

  scripted =
    (plain "scripted" {
      scripted = script [
        "helper"
        "needed"
        "scripted//needed"
      ];
      helper = withBin { helper = "cli.js"; } // { script = [ ]; };
      needed = script [ ];
      "scripted//needed" = one;
    }).withOverrides
      {
        env.TOLD = "told by overrides";
        packages.helper.skipScript = true;
      };

  loud = plain "loud" { loud = script [ ]; };
  quiet = plain "quiet" { quiet = script [ ]; };
  # A machine that has node alone.
  nodeAlone = pkgsOn (toolchain // { node = removeAttrs toolchain.node [ "headers" ]; }) [ ];
  # What a download would bring.
  downloaded = builtins.toFile "downloaded" "#!/bin/sh\necho downloaded\n";

  limited = os: cpu: more: row "1.0.0" ({ inherit os cpu; optional = true; } // more);
  elsewhere = if here.os == "linux" then "darwin" else "linux";
  fastRows = {
    fast = withBin { fast = "cli.js"; };
    "@fast/this" = limited here.os here.cpu { };
    "@fast/other" = limited elsewhere here.cpu { };
    # On another C library than this machine's.
    "@fast/musl" = limited here.os here.cpu { libc = "musl"; };
  };
  family.families.fast = [
    "@fast/this"
    "@fast/other"
  ];
  fast = program "fast" (family // { packages = fastRows; }) { };
  onMusl = pkgsWith [
    (_: prev: {
      stdenv = prev.stdenv // {
        hostPlatform = prev.stdenv.hostPlatform // {
          isMusl = true;
        };
      };
    })
  ];

  workspace = program "." {
    packages = {
      "." = {
        v = "1.0.0";
        name = "workspace";
      };
      "./packages/one" = {
        v = "1.0.0";
        name = "@work/one";
        bin.one = "cli.js";
      };
      "./packages/two" = {
        v = "1.0.0";
        name = "@work/two";
        script = [ ];
      };
      "@work/one".link = "./packages/one";
      "@work/two".link = "./packages/two";
      leaf = row "2.0.0" { };
      "./packages/two//leaf" = one;
    };
  } { pname = "workspace"; src = ./workspace; };

  # A project that is built by its own script, with something that only its development needs.
  project = program "." {
    packages = {
      "." = {
        v = "1.0.0";
        name = "project";
        bin.project = "dist/cli.js";
      };
      maker = withBin { maker = "cli.js"; } // { dev = true; };
      leaf = one;
    };
  } { pname = "project"; src = ./project; overrides.buildScript = "build"; };

  # A project with a tarball in its folder.
  withFile = program "." {
    packages = {
      "." = {
        v = "1.0.0";
        name = "with-file";
        bin.with-file = "cli.js";
      };
      leaf = row "2.0.0" { url = "file:vendor/leaf.tgz"; };
    };
  } {
    pname = "with-file";
    src = pkgs.runCommand "with-file" { leaf = pkgs.fetchurl { name = "leaf-2.0.0.tgz"; url = ""; }; } ''
      mkdir -p "$out/vendor"
      cp "$leaf" "$out/vendor/leaf.tgz"
      echo '{"name": "with-file", "version": "1.0.0"}' > "$out/package.json"
      printf '#!/usr/bin/env node\nconsole.log(require("leaf"))' > "$out/cli.js"
    '';
  };
  # A commit of which something is only made by its own script.
  unprepared = pkgs.runCommand "unprepared" { } ''
    mkdir "$out"
    echo '{"name": "unprepared", "version": "1.0.0", "main": "dist/index", "scripts": {"prepare": "tsc"}}' > "$out/package.json"
  '';

  # The commit's files as the bot adds them: a path of this name with this hash is the fetcher's own output.
  addedByTheBot = builtins.path {
    name = "from-git-0123456789ab";
    path = ./from-git;
  };
  fromGit = builtins.seq "${addedByTheBot}" (plain "git-user" {
    git-user = withBin { git-user = "cli.js"; };
    from-git = {
      v = "0.1.0";
      git = "https://git.example/from-git.git";
      rev = "0123456789abcdef0123456789abcdef01234567";
      h = "sha256-UzqA7pvyUZZnZUSO1EWDdaw9UEiiuW+rgKf7X9d5jHs=";
    };
  });

  # Where a program's rows stand.
  placesOf =
    built:
    map (entry: entry.at) (builtins.fromJSON (builtins.unsafeDiscardStringContext built.manifest)).packages;

  # A derivation that succeeds where `program` of `built` prints exactly `expected`.
  prints =
    built: name: expected:
    pkgs.runCommand "${built.name}-prints" { inherit built expected; } ''
      said=$("$built/bin/${name}")
      if [ "$said" != "$expected" ]; then
        printf 'expected: %s\nsaid: %s\n' "$expected" "$said" >&2
        exit 1
      fi
      touch "$out"
    '';

  # A derivation that succeeds where the shell finds all `conditions` true of $built, in its tree.
  holds =
    built: conditions:
    pkgs.runCommand "${built.name}-holds" { inherit built; } (
      ''
        cd "$built"/libexec/*/
      ''
      + lib.concatMapStrings (condition: ''
        if ! ${condition}; then
          echo ${lib.escapeShellArg "does not hold: ${condition}"} >&2
          exit 1
        fi
      '') conditions
      + ''touch "$out"''
    );

  # A derivation that succeeds where `built` refers to nothing but itself and node.
  needsNodeAlone =
    built:
    pkgs.runCommand "${built.name}-needs-node-alone"
      {
        inherit built;
        inherit (pkgs) nodejs;
        exportReferencesGraph = [
          "references"
          built
        ];
      }
      ''
        if grep ^/nix references | grep -vxF -e "$built" -e "$nodejs"; then
          echo "these are needed by $built, and were not declared" >&2
          exit 1
        fi
        touch "$out"
      '';

  # A check by evaluation: the two are the same.
  same =
    name: found: expected:
    if found == expected then
      pkgs.runCommand name { } ''touch "$out"''
    else
      throw "${name}: expected ${builtins.toJSON expected}, and found ${builtins.toJSON found}";

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
      ''[ "$(head -n 1 node_modules/layout/bin/split.js)" = "#!/usr/bin/env -S ${pkgs.nodejs}/bin/node --no-warnings --stack-size=900" ]''
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
    musl = programWith onMusl "fast" { packages.fast = one; packages."@fast/this" = limited here.os here.cpu { libc = "glibc"; }; } { };
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
