#!/usr/bin/env python3
"""Writes the table that base/decimal.c reads: for k from -292 to 324 the 128 leading bits of 10^k, rounded up.

Source: R. Giulietti, "The Schubfach way to render doubles" (2021), section 8.3, g(k), here normalised to 128 bits.
"""
LEAST, MOST = -292, 324

print("/* Made by powers_of_ten.py. */")
print(f"enum {{ POWER_LEAST = {LEAST}, POWER_MOST = {MOST} }};")
print("static const uint64_t powers_of_ten[][2] = {")
for k in range(LEAST, MOST + 1):
    numerator, denominator = (10 ** k, 1) if k >= 0 else (1, 10 ** -k)
    shift = 128 - numerator.bit_length() + denominator.bit_length()
    while True:
        scaled = numerator << shift if shift >= 0 else numerator
        divisor = denominator if shift >= 0 else denominator << -shift
        value = -(-scaled // divisor)
        if value.bit_length() <= 128 and scaled // divisor >> 127:
            break
        shift += 1 if value.bit_length() < 128 else -1
    print(f"\t{{0x{value >> 64:016x}, 0x{value & (1 << 64) - 1:016x}}},")
print("};")
