// What differs between compilers and processors; the rest of the kernel is standard C++17. Loops that are to be
// vectorised say so by OpenMP's simd pragma, which a compiler without it ignores.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define FB_MSVC
#endif

#ifdef FB_MSVC
#include <intrin.h>
#define FB_RESTRICT __restrict
#define FB_INLINE __forceinline
#define FB_APART __declspec(noinline)
#else
#ifdef FOCALBOOST_X86
#include <cpuid.h>
#endif
#define FB_RESTRICT __restrict__
#define FB_INLINE inline __attribute__((always_inline))
#define FB_APART __attribute__((noinline))  // once per type, not once per caller: the build stays short
#endif

// Whether the unit at hand may fuse a product and a sum. Microsoft's compiler has no macro of its own for it.
#if defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64) || (defined(FB_MSVC) && defined(__AVX2__))
#define FB_FUSED
#endif

namespace focalboost {

#ifdef FOCALBOOST_X86
// What the processor has and the system keeps, asked of the processor itself: the compilers' built-ins for it need a
// library that not all of them link, and say no without it.
struct Processor {
  bool avx2 = false, avx512 = false;

  Processor() {
    unsigned one[4], seven[4];
    if (!ask(1, one) || !ask(7, seven)) return;
    const auto has = [](unsigned word, int bit) { return (word >> bit & 1u) != 0; };
    if (!has(one[2], 27)) return;  // OSXSAVE: xgetbv can be asked
    const unsigned kept = saved();
    avx2 = (kept & 0x06u) == 0x06u && has(one[2], 12) && has(one[2], 28) && has(seven[1], 5);
    avx512 = avx2 && (kept & 0xe0u) == 0xe0u && has(seven[1], 16) && has(seven[1], 17) && has(seven[1], 30) &&
             has(seven[1], 31);
  }

 private:
  static bool ask(unsigned leaf, unsigned (&words)[4]) {
#ifdef FB_MSVC
    int found[4];
    __cpuid(found, 0);
    if (unsigned(found[0]) < leaf) return false;
    __cpuidex(found, int(leaf), 0);
    for (int i = 0; i < 4; ++i) words[i] = unsigned(found[i]);
    return true;
#else
    return __get_cpuid_count(leaf, 0, &words[0], &words[1], &words[2], &words[3]) != 0;
#endif
  }

  // Registers that the system saves when it switches threads: xgetbv(0).
  static unsigned saved() {
#ifdef FB_MSVC
    return unsigned(_xgetbv(0));
#else
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
  }
};
#endif

}  // namespace focalboost
