{
  "targets": [
    { "target_name": "adder", "sources": ["adder.c"], "cflags": ["-I<(module_root_dir)/include"] }
  ]
}
