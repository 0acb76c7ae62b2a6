/* SPDX-License-Identifier: MIT */
/*
 * Calls of printf that device and host must agree on: CASE(format, ...) for
 * each. Included where CASE is defined, by kernels and by the test.
 */

/* Integers: conversions, lengths, limits. */
CASE("%d %i %u %o %x %X|", -42, 42, 42u, 42u, 0xbeefu, 0xbeefu);
CASE("%d %d %u|", INT32_MIN, INT32_MAX, UINT32_MAX);
CASE("%hhd %hhu %hhx|", (signed char)-3, (unsigned char)253, (unsigned char)0xab);
CASE("%hd %hu %ho|", (short)-30000, (unsigned short)60000, (unsigned short)0777);
CASE("%ld %lu %lx|", (long)INT64_MIN, (unsigned long)UINT64_MAX, 0x123456789abcdeful);
CASE("%lld %llu %llX %llo|", -1ll, ~0ull, 0xfedcba9876543210ull, 0777777ull);
CASE("%jd %ju %zd %zu %td|", (intmax_t)-5, (uintmax_t)5, (size_t)7, (size_t)8, (ptrdiff_t)-9);
CASE("%hhd %hd %hhu|", 1000, 100000, 1000);
/* Flags, width, precision. */
CASE("[%5d] [%-5d] [%05d] [%+d] [% d] [%+5d] [%-+5d]|", 42, 42, 42, 42, 42, 42, 42);
CASE("[%5d] [%-5d] [%05d] [%+d] [% d]|", -42, -42, -42, -42, -42);
CASE("[%#x] [%#X] [%#o] [%#10x] [%#010x] [%-#10x]|", 255u, 255u, 8u, 255u, 255u, 255u);
CASE("[%.5d] [%8.5d] [%-8.5d] [%.0d] [%.d] [%08.5d]|", 42, 42, 42, 0, 0, 42);
CASE("[%*d] [%-*d] [%*d] [%.*d] [%*.*d]|", 6, 42, 6, 42, -6, 42, 4, 42, 8, 4, 42);
CASE("[%.*d] [%.*f] [%*.*s]|", -1, 42, -3, 1.5, -8, 2, "abc");
CASE("[%1000d] [%.500d]|", 1, 2);
/* Characters and strings. */
CASE("%c%c%c [%3c] [%-3c]|", 'a', 'b', '\n', 'x', 'y');
CASE("%s|", "");
CASE("%s|%s|%s|", "a", "12345678", "a string of more than eight bytes");
CASE("[%10s] [%-10s] [%.3s] [%10.3s] [%-10.3s] [%.0s]|", "abcdef", "abcdef", "abcdef", "abcdef",
     "abcdef", "abcdef");
CASE("[%.*s] [%*s] [%-*s]|", 2, "abcdef", 8, "abc", 8, "abc");
CASE("\xc3\xa4\xe2\x82\xac %s|", "\xc3\xa4\xe2\x82\xac");
/* Pointers, percents, no conversions. */
CASE("%p %p [%20p] [%-20p]|", (void *)0, (void *)0x800000001000, (void *)16, (void *)16);
CASE("100%% [%%] %d%%|", 5);
CASE("plain|");
CASE("");
/* Floating point. */
CASE("%f %F %e %E %g %G %a %A|", 3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25, 3.25);
CASE("%f %e %g|", (double)1.1f, 1e-300, 1e300);
CASE("%f|", 1.7976931348623157e308);
CASE("[%10.3f] [%-10.3f] [%010.3f] [%+.2f] [% .2f] [%#.0f] [%.0f]|", 3.14159, 3.14159, 3.14159,
     3.14159, 3.14159, 3.0, 2.5);
CASE("%g %g %#g %.3g %.10g %g|", 0.0001, 0.00001, 1.0, 1234567.0, 1.0 / 3, -0.0);
CASE("%f %F %e %5.1f %010f|", __builtin_inf(), -__builtin_inf(), __builtin_nan(""), __builtin_inf(),
     -__builtin_inf());
CASE("%.30f %.40e %.20a|", 0.1, 0.1, 0.1);
CASE("%a %a|", 4.9406564584124654e-324, 2.2250738585072014e-308);
CASE("%lf %le|", 1.0, 2.0);
CASE("%Lf %Lg|", 1.5L, 0.25L);
/* Many arguments: beyond the registers, kinds mixed. */
CASE("%d %s %f %c %lld %d %d %d %s %f %f %f %f %f %f %f %f %f|", 1, "two", 3.0, '4', 5ll, 6, 7, 8,
     "nine", 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0);
