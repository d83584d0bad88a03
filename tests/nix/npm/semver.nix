# Ranges that `engines.node` has on the registry, and what node-semver says of them.
{ lib, same, semver }:

let
  cases = {
    "20.20.2" = {
      yes = [ "" "*" "x" ">=18" ">= 22.12.0 || ^20.19.0" "^18.18.0 || ^20.9.0 || >=21.1.0" "20" "20.x" "20.x.x" "v20.20" "=20.20.2"
        "12 - 20" "12 - 20.20" "~20.20" "~20" "~> 20.20" "<=20" ">= 18 < 21" "^18||^20" ">= 6.0.0-0" ">=20.20.2" ">19" ];
      no = [ ">=22" "18.x" "12 - 18" "12 - 20.19" "~20.19" "^0.10" ">20" ">20.20" ">=18 <20" "^20.20.3" "<20.20.2" "<20" "20.20.1" "0" ];
    };
    "0.10.48" = {
      yes = [ "^0.10" "^0.10.5" "0.10.x" ">= 0.10" "~0.10.0" ];
      no = [ "^0.11" "^1" ">=0.12" ];
    };
    "0.0.3" = {
      yes = [ "^0.0.3" "^0.0" "^0" ];
      no = [ "^0.0.2" "~0.0.4" ];
    };
    # What cannot be read is no reason to refuse.
    "18.0.0" = {
      yes = [ "lts" "not a range" "^18 || nonsense" ];
      no = [ ];
    };
  };
  wrong = lib.concatMap (
    version:
    lib.filter (range: !semver.satisfies version range) cases.${version}.yes
    ++ lib.filter (range: semver.satisfies version range) cases.${version}.no
  ) (lib.attrNames cases);
in

same "engines" wrong [ ]
