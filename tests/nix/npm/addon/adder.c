// What an addon of C is at least: a function for JavaScript, by Node-API.
#include <node_api.h>
#include <place.h>

static napi_value add(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2], sum;
  double a, b;
  napi_get_cb_info(env, info, &count, given, NULL, NULL);
  napi_get_value_double(env, given[0], &a);
  napi_get_value_double(env, given[1], &b);
  napi_create_double(env, a + b, &sum);
  return sum;
}

static napi_value place(napi_env env, napi_callback_info info) {
  napi_value text;
  (void)info;
  napi_create_string_utf8(env, PLACE, NAPI_AUTO_LENGTH, &text);
  return text;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "add", NAPI_AUTO_LENGTH, add, NULL, &function);
  napi_set_named_property(env, exports, "add", function);
  napi_create_function(env, "place", NAPI_AUTO_LENGTH, place, NULL, &function);
  napi_set_named_property(env, exports, "place", function);
  return exports;
}
