// Where this was compiled: a path of the build, unless that is mapped.
#define PLACE place_of()
static const char *place_of(void) { return __FILE__; }
