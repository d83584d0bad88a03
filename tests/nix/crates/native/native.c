/* The name of this file is the builder's business, and not in the result. */
const char *native_file(void) { return __FILE__; }
int native_number(void) { return 7; }
