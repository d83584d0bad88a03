# Checks of the builders, with crates that are packed from the folders here instead of being fetched.
#
# `toolchain` is the content of a hostpkgs/toolchain.json. Building any attribute of `checks` in the sandbox is the test.
{
  toolchain,
  overlay ? ../../templates/overlay,
  hostpkgs ? ../../templates/hostpkgs,
}:

let
  # `fetchurl` of a crate: an archive of the folder of that name, as the registry would have it.
  packCrates = final: prev: {
    fetchurl =
      { name, ... }:
      let
        parts = builtins.match "crate-([^.]*)-([0-9]+[.].*)[.]tar[.]gz" name;
        crate = builtins.elemAt parts 0;
        version = builtins.elemAt parts 1;
      in
      final.runCommand name { source = ./crates + "/${crate}"; } ''
        cp -r "$source" "${crate}-${version}"
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

  vendored = package "greet" "0.1.0" "vendored";
in

{
  inherit pkgs vendored;

  checks = {
    vendored-builds = prints vendored "greet" "hello world";
    vendored-starts = vendored.tests.smoke;
    vendored-env = prints (vendored.withOverrides { env.GREET_WHOM = "Nix"; }) "greet" "hello Nix";
    vendored-feature = prints (vendored.withOverrides { features = [ "loud" ]; }) "greet" "HELLO world";
    vendored-patch = prints (vendored.withOverrides { patches = [ ./greet.patch ]; }) "greet" "hello, world";
    vendored-crate-patch = prints (vendored.withOverrides {
      crates.words.patches = [ ./words.patch ];
    }) "greet" "good day world";
    vendored-override-attrs = prints (vendored.overrideAttrs (old: {
      postInstall = ''mv "$out/bin/greet" "$out/bin/welcome"'';
    })) "welcome" "hello world";
  };
}
