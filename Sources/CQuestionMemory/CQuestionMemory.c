#include "CQuestionMemory.h"

#include <sqlite3.h>
#include <stddef.h>

// How many allocations lie between two looks at whether the question has ended.
enum { allocations_between_looks = 32 };

static _Thread_local struct {
    bool is_running;
    bool has_ended;
    bool was_refused;
    int64_t room_bytes;
    unsigned allocations;
    int (*ended)(void *);
    void *context;
} question;

// What SQLite would use without this.
static sqlite3_mem_methods plain;
static bool is_installed;

static bool may_take(int64_t bytes) {
    if (!question.is_running) return true;
    if (!question.has_ended && question.allocations++ % allocations_between_looks == 0)
        question.has_ended = question.ended(question.context) != 0;
    if (!question.has_ended && bytes <= question.room_bytes) return true;
    question.was_refused = true;
    return false;
}

static void *take(int size) {
    if (!may_take(size)) return NULL;
    void *block = plain.xMalloc(size);
    if (question.is_running && block) question.room_bytes -= plain.xSize(block);
    return block;
}

static void give_back(void *block) {
    if (question.is_running && block) question.room_bytes += plain.xSize(block);
    plain.xFree(block);
}

static void *resize(void *block, int size) {
    int64_t before = plain.xSize(block);
    if (!may_take(size - before)) return NULL;
    void *resized = plain.xRealloc(block, size);
    if (question.is_running && resized) question.room_bytes -= plain.xSize(resized) - before;
    return resized;
}

// SQLite takes it only before its first use, which may be anybody's.
__attribute__((constructor)) static void install(void) {
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain) != SQLITE_OK) return;
    sqlite3_mem_methods bounded = plain;
    bounded.xMalloc = take;
    bounded.xFree = give_back;
    bounded.xRealloc = resize;
    is_installed = sqlite3_config(SQLITE_CONFIG_MALLOC, &bounded) == SQLITE_OK;
}

bool quipu_question_memory_begin(int64_t bytes, int (*ended)(void *), void *context) {
    question.is_running = true;
    question.has_ended = false;
    question.was_refused = false;
    question.room_bytes = bytes;
    question.allocations = 0;
    question.ended = ended;
    question.context = context;
    return is_installed;
}

bool quipu_question_memory_end(void) {
    question.is_running = false;
    return question.was_refused;
}
