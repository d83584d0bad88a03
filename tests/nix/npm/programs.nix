# The programs of the checks: graphs written by hand, of the packages in packages.nix.
{
  toolchain,
  overlay,
  hostpkgs,
}:

rec {
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
  withoutNode = pkgsOn (removeAttrs toolchain [ "node" ]) [ ];
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

  # A commit with a link where other packages are to stand.
  linking = pkgs.runCommand "linking" { } ''
    mkdir "$out"
    echo '{"name": "linking", "version": "1.0.0"}' > "$out/package.json"
    ln -s .. "$out/node_modules"
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
}
