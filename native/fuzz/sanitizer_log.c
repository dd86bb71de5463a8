/* The monitor has no stderr: complaints of the sanitized build go to a file that the tests look for. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) {
    return "log_path=/tmp/tare-sanitizer:detect_leaks=0:abort_on_error=0";
}
const char *__ubsan_default_options(void) {
    return "log_path=/tmp/tare-sanitizer:print_stacktrace=1";
}
