/* What the processor has and the operating system lets it use. Asked of the portable library before another is loaded. */
#pragma once

#define HAS_AVX2 1       /* x86-64-v3: AVX2, FMA, F16C, BMI and their kin */
#define HAS_AVX512VNNI 2 /* x86-64-v4 and VNNI */
#define HAS_AMX 4        /* tiles of bytes */

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static int every(unsigned word, unsigned bits) { return (word & bits) == bits; }

static unsigned long long kept_registers(void) { /* those that the operating system keeps when processes change */
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

static int tiles_lent(void) { /* Linux lends the tiles' registers to a process that asks: ARCH_REQ_XCOMP_PERM, XTILEDATA */
#if defined(__linux__)
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
    return 0;
#endif
}

int processor(void) {
    unsigned a, b, c, d, b7, c7, d7, kept_low;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !every(c, 1u << 27)) return 0; /* OSXSAVE: xgetbv may be asked */
    const unsigned v2 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23; /* SSE3 to 4.2, CX16, POPCNT */
    const unsigned v3 = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29; /* FMA, MOVBE, AVX, F16C */
    kept_low = (unsigned)kept_registers();
    if (!every(c, v2 | v3) || !every(kept_low, 6) || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7)) return 0;
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !every(c, 1u << 0 | 1u << 5)) return 0; /* LAHF, LZCNT */
    if (!every(b7, 1u << 3 | 1u << 5 | 1u << 8)) return 0; /* BMI1, AVX2, BMI2 */
    const unsigned v4 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* AVX-512 F, DQ, CD, BW, VL */
    if (!every(b7, v4) || !every(c7, 1u << 11) || !every(kept_low, 0xE6)) return HAS_AVX2; /* VNNI */
    if (!every(d7, 1u << 24 | 1u << 25) || !every(kept_low, 3u << 17) || !tiles_lent()) return HAS_AVX2 | HAS_AVX512VNNI;
    return HAS_AVX2 | HAS_AVX512VNNI | HAS_AMX;
}
#else
int processor(void) { return 0; }
#endif
