# What a person may write beside a graph.
{ pkgs }:

let
  thing = pkgs.runCommand "thing-3.0" { } ''
    mkdir -p "$out/lib/pkgconfig"
    echo 'int thing_number(void) { return 9; }' > thing.c
    cc -c thing.c
    ar crD "$out/lib/libthing.a" thing.o
    cat > "$out/lib/pkgconfig/thing.pc" << END
    Name: thing
    Description: a C library
    Version: 3.0
    Libs: -L$out/lib -lthing
    END
  '';
in

{
  env.ROOT_TOLD = "with spaces, \"quotes\" and $signs";
  rustflags = [ "--cfg=root_flagged" ];
  postInstall = ''
    mkdir -p "$out/share"
    echo installed > "$out/share/note"
  '';
  crates.needs-package = {
    nativeBuildInputs = [ pkgs.pkg-config ];
    buildInputs = [ thing ];
  };
  crates."needs-telling-1.0.0" = {
    env.TELLING = "told";
    preBuild = "export TELLING_BY_HOOK=heard";
    rustflags = [ "--cfg=flagged" ];
    features = [ "extra" ];
    patches = [ ./telling.patch ];
  };
}
