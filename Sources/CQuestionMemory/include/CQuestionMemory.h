// Bounds what SQLite may allocate for one question, on the thread that runs it.
//
// SQLite expands aliases, subqueries and common table expressions before it calls anybody back, so that a short
// statement can take any memory. Its own bound of the heap is one for the whole process.
#ifndef CQUESTIONMEMORY_H
#define CQUESTIONMEMORY_H

#include <stdbool.h>
#include <stdint.h>

// From here on SQLite gets at most `bytes` more on this thread, and nothing once `ended(context)` is not 0,
// which is asked every few allocations: what it was doing then ends with SQLITE_NOMEM.
// False when SQLite was set up before its memory could be bounded.
bool quipu_question_memory_begin(int64_t bytes, int (*ended)(void *context), void *context);

// The bound is gone. Whether something was refused.
bool quipu_question_memory_end(void);

#endif
