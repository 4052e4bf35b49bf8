// What the thread team needs of the operating system and the processor: threads that wait on a futex, core masks, and
// the floating-point environment.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The calling thread's floating-point control word (x86: MXCSR; AArch64: FPCR).
uint64_t tutti_float_environment(void);

/// Sets the calling thread's floating-point control word.
void tutti_set_float_environment(uint64_t word);

/// The control word that all computing threads have: round to nearest, exceptions masked, denormals flushed to zero in
/// operands and results.
uint64_t tutti_compute_environment(void);

/// Writes the calling thread's core mask, core `i` at bit `i % 64` of `words[i / 64]`; words beyond the mask are zero.
/// Returns 0 or an errno value.
int tutti_get_affinity(uint64_t *words, int32_t word_count);

/// A persistent team of threads; the caller of `tutti_team_run` is thread 0 of it.
typedef struct tutti_team tutti_team;

/// Starts a team of `size` threads (the caller and `size` - 1 more). A waiting thread spins for `spin_nanoseconds`,
/// then sleeps. `cores` is NULL, or `size` core numbers: thread i > 0 is bound to `cores[i]` (thread 0 stays free, so
/// that threads which the caller starts later do not inherit a single core). Returns 0 or an errno value.
int tutti_team_create(tutti_team **team, int32_t size, int64_t spin_nanoseconds, const int32_t *cores);

/// Ends the team's threads and frees it. It must not be running.
void tutti_team_destroy(tutti_team *team);

/// `tutti_team_run(team, count, body)` is declared where it is called from, in Swift: its last parameter is a Swift
/// closure, which C's syntax of a prototype cannot say to Swift's importer.

/// Lets the system begin to write to the disk what it holds of a file in memory, without waiting for it
/// (`sync_file_range`). A hint: what fails is told when the file is flushed.
void tutti_start_flush(int file);

#ifdef __cplusplus
}
#endif
