# Checks of the builders, with crates that are packed from the folders here instead of being fetched, and graphs beside
# them. Building all of `checks` in the sandbox is the test; tests/nix/README.md says what each proves.
{
  # The content of a hostpkgs/toolchain.json.
  toolchain,
  overlay ? ../../templates/overlay,
  hostpkgs ? ../../templates/hostpkgs,
}:

let
  # `fetchurl` of a crate: an archive of the folder of that name, as a registry would have it.
  packCrates = final: prev: {
    fetchurl =
      { name, sha256, ... }:
      let
        parts = builtins.match "crate-([^.]*)-([0-9]+[.].*)[.]tar[.]gz" name;
        crate = builtins.elemAt parts 0;
        version = builtins.elemAt parts 1;
        # Folders of a second version, and of a second source of the same version.
        folders = builtins.filter (folder: builtins.pathExists (./crates + "/${folder}")) [
          "${crate}-${version}"
          (if builtins.match "2*" sha256 != null then "${crate}-other" else "none")
          crate
        ];
      in
      final.runCommand name
        {
          source = ./crates + "/${builtins.head folders}";
          # Another checksum is another source.
          inherit sha256;
        }
        ''
        cp -r "$source" "${crate}-${version}"
        chmod -R u+w .
        tar czf "$out" --owner=0 --group=0 --mtime=@0 --sort=name "${crate}-${version}"
      '';
  };

  pkgs = import hostpkgs {
    inherit toolchain;
    overlays = [
      packCrates
      (import (overlay + "/lib/overlays.nix")).default
    ];
  };
  inherit (pkgs) lib;

  package =
    name: version: strategy:
    pkgs.nixwright.buildCargoPackage {
      directory = ./graphs + "/${name}";
      pname = name;
      inherit version strategy;
    };
  both = name: version: lib.genAttrs [ "shared" "vendored" ] (package name version);

  greet = both "greet" "0.1.0";
  rules = both "rules" "1.0.0";
  withLibrary = both "with-library" "1.0.0";
  overridden = package "overridden" "1.0.0" "shared";

  # The same, with what concerns crates said by the package set instead, in the words of nixpkgs' buildRustCrate.
  saidOfOverridden = import ./graphs/overridden/overrides.nix { inherit pkgs; };
  overriddenByDefault =
    (
      (pkgs.extend (
        _: _: {
          defaultCrateOverrides = {
            needs-package = _: {
              inherit (saidOfOverridden.crates.needs-package) nativeBuildInputs buildInputs;
            };
            needs-telling =
              { crateName, version, ... }:
              {
                TELLING = if "${crateName} ${version}" == "needs-telling 1.0.0" then "told" else "misled";
                preConfigure = "export TELLING_BY_HOOK=heard";
                extraRustcOpts = [ "--cfg=flagged" ];
                features = [ "extra" ];
                patches = [ ./graphs/overridden/telling.patch ];
              };
          };
        }
      )).nixwright.buildCargoPackage
      {
        # A folder that has no overrides.nix.
        directory = ./graphs/greet;
        graphFile = ./graphs/overridden/graph.json;
        pname = "overridden";
        version = "1.0.0";
        strategy = "shared";
      }
    ).withOverrides
      (removeAttrs saidOfOverridden [ "crates" ]);
  twins = package "twins" "1.0.0" "shared";

  rulesOf =
    graphFile:
    pkgs.nixwright.buildCargoPackage {
      directory = ./graphs/rules;
      inherit graphFile;
      pname = "rules";
      version = "1.0.0";
    };
  rulesWith =
    changes:
    rulesOf (
      builtins.toFile "graph.json" (builtins.toJSON (lib.importJSON ./graphs/rules/graph.json // changes))
    );

  # A derivation that succeeds where `program` of `built` prints exactly `expected`.
  prints =
    built: program: expected:
    pkgs.runCommand "${built.name}-prints" { inherit built expected; } ''
      said=$("$built/bin/${program}")
      if [ "$said" != "$expected" ]; then
        printf 'expected: %s\nsaid: %s\n' "$expected" "$said" >&2
        exit 1
      fi
      touch "$out"
    '';

  # A derivation that succeeds where the shell finds all `conditions` true of $built.
  holds =
    built: conditions:
    pkgs.runCommand "${built.name}-holds" { inherit built; } (
      lib.concatMapStrings (condition: ''
        if ! ${condition}; then
          echo ${lib.escapeShellArg "does not hold: ${condition}"} >&2
          exit 1
        fi
      '') conditions
      + ''touch "$out"''
    );

  # A derivation that succeeds where `built` refers to no store path, itself apart.
  standsAlone =
    built:
    pkgs.runCommand "${built.name}-stands-alone"
      {
        inherit built;
        exportReferencesGraph = [
          "references"
          built
        ];
      }
      ''
        if grep ^/nix references | grep -vx "$built"; then
          echo "these are needed by $built, and were not declared" >&2
          exit 1
        fi
        touch "$out"
      '';

  native = import ./native.nix { inherit pkgs hostpkgs overlay; };

  named = name: lib.mapAttrs' (strategy: lib.nameValuePair "${strategy}-${name}");
in

{
  inherit
    pkgs
    greet
    rules
    withLibrary
    overridden
    twins
    ;
  inherit (native) refused failing;

  checks =
    named "builds" (lib.mapAttrs (_: built: prints built "greet" "hello world") greet)
    // named "starts" (lib.mapAttrs (_: built: built.tests.smoke) greet)
    // named "env" (
      lib.mapAttrs (
        _: built: prints (built.withOverrides { env.GREET_WHOM = "Nix"; }) "greet" "hello Nix"
      ) greet
    )
    // named "feature" (
      lib.mapAttrs (_: built: prints (built.withOverrides { features = [ "loud" ]; }) "greet" "HELLO world") greet
    )
    // named "patch" (
      lib.mapAttrs (
        _: built: prints (built.withOverrides { patches = [ ./greet.patch ]; }) "greet" "hello, world"
      ) greet
    )
    // named "crate-patch" (
      lib.mapAttrs (
        _: built:
        prints (built.withOverrides { crates.words.patches = [ ./words.patch ]; }) "greet" "good day world"
      ) greet
    )
    // named "override-attrs" (
      lib.mapAttrs (
        _: built:
        prints (built.overrideAttrs (old: {
          postInstall = ''mv "$out/bin/greet" "$out/bin/welcome"'';
        })) "welcome" "hello world"
      ) greet
    )
    // named "rules" (lib.mapAttrs (_: built: prints built "rules" "all rules hold") rules)
    // named "stands-alone" (lib.mapAttrs (_: standsAlone) rules)
    // named "required-features" (
      lib.mapAttrs (
        _: built:
        holds built [
          ''[ "$("$built/bin/rules-told")" = rules-told ]''
          ''[ ! -e "$built/bin/rules-extra" ]''
        ]
      ) rules
    )
    // named "library" (
      lib.mapAttrs (
        _: built:
        holds built [
          ''[ "$("$built/bin/with-library")" = 8 ]''
          ''[ -e "$built/lib/libwith_library.a" ]''
          ''nm -D "$built/lib/libwith_library.so" | grep -q "T with_library_number"''
          ''readelf -d "$built/lib/libwith_library.so" | grep -q "SONAME.*libwith_library.so.1"''
        ]
      ) withLibrary
    )
    // {
      shared-overrides = prints overridden "overridden" ''
        9 told true
        with spaces, "quotes" and $signs true'';
      shared-default-overrides = prints overriddenByDefault "overridden" ''
        9 told true
        with spaces, "quotes" and $signs true'';
      shared-hook = holds overridden [ ''[ "$(cat "$built/share/note")" = installed ]'' ];
      # With what changes the meaning of all code; LTO leaves nothing but bitcode in libraries.
      shared-class = prints (rulesWith {
        class = {
          panic = "abort";
          overflow-checks = true;
          debug-assertions = true;
          lto = "fat";
        };
        profile = {
          opt-level = "s";
          codegen-units = 1;
          strip = "symbols";
          debug = "1";
        };
      }) "rules" "all rules hold";
      shared-keys = import ./keys.nix {
        inherit pkgs;
        packageOf = rulesOf;
      };
      native = native.check;
      library = holds native.library [ ''[ "$(echo $(ls "$built/lib/pkgconfig"))" = "needed.pc thing.pc" ]'' ];
      shared-twins = prints twins "twins" "one other";
    };
}
