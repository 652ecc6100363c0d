// sqlite_floor FROM TO ROWS: what SQLite itself takes to insert the rows of a database.
//
// Reads every table of FROM into memory, makes the same schema in the new file TO, and inserts the rows
// again, ROWS to a transaction, through prepared statements with nothing in between; WAL, FULL. Only the
// inserts and a last checkpoint are timed.
#include "floor.h"
#include <sqlite3.h>

struct cell {
    int type;
    int bytes;
    union {
        sqlite3_int64 integer;
        double real;
        const void *data;
    };
};

struct table {
    char *name;
    int columns;
    uint64_t rows, rows_max;
    struct cell *cells;
};

static char *arena;
static size_t arena_room;

static const void *keep(const void *data, size_t bytes) {
    if (bytes > arena_room) {
        arena_room = bytes > (8 << 20) ? bytes : (8 << 20);
        arena = malloc(arena_room);
    }
    char *kept = memcpy(arena, data, bytes);
    arena += bytes;
    arena_room -= bytes;
    return kept;
}

static void check(sqlite3 *database, int code, const char *what) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) return;
    fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(database));
    exit(1);
}

static void run(sqlite3 *database, const char *sql) {
    check(database, sqlite3_exec(database, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
    sqlite3_stmt *statement;
    check(database, sqlite3_prepare_v2(database, sql, -1, &statement, NULL), sql);
    return statement;
}

static struct cell read_cell(sqlite3_stmt *row, int column) {
    struct cell cell = {.type = sqlite3_column_type(row, column)};
    switch (cell.type) {
    case SQLITE_INTEGER: cell.integer = sqlite3_column_int64(row, column); break;
    case SQLITE_FLOAT: cell.real = sqlite3_column_double(row, column); break;
    case SQLITE_NULL: break;
    default:
        cell.data = sqlite3_column_blob(row, column);
        cell.bytes = sqlite3_column_bytes(row, column);
        cell.data = keep(cell.data ? cell.data : "", (size_t)cell.bytes);
    }
    return cell;
}

static struct table load_table(sqlite3 *from, const char *name) {
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", name);
    sqlite3_stmt *rows = prepare(from, sql);
    struct table table = {.name = strdup(name), .columns = sqlite3_column_count(rows)};
    while (sqlite3_step(rows) == SQLITE_ROW) {
        if (table.rows == table.rows_max) {
            table.rows_max = table.rows_max ? table.rows_max * 2 : 1024;
            table.cells = realloc(
                table.cells, table.rows_max * (size_t)table.columns * sizeof *table.cells);
        }
        struct cell *row = table.cells + table.rows++ * (size_t)table.columns;
        for (int i = 0; i < table.columns; i++) row[i] = read_cell(rows, i);
    }
    sqlite3_finalize(rows);
    return table;
}

static void bind_cell(sqlite3_stmt *insert, int place, const struct cell *cell) {
    switch (cell->type) {
    case SQLITE_INTEGER: sqlite3_bind_int64(insert, place, cell->integer); break;
    case SQLITE_FLOAT: sqlite3_bind_double(insert, place, cell->real); break;
    case SQLITE_TEXT: sqlite3_bind_text(insert, place, cell->data, cell->bytes, SQLITE_STATIC); break;
    case SQLITE_BLOB: sqlite3_bind_blob(insert, place, cell->data, cell->bytes, SQLITE_STATIC); break;
    default: sqlite3_bind_null(insert, place);
    }
}

static void insert_table(sqlite3 *to, const struct table *table, uint64_t rows_per_commit) {
    char sql[2048];
    int used = snprintf(sql, sizeof sql, "INSERT INTO \"%s\" VALUES (?", table->name);
    for (int i = 1; i < table->columns; i++)
        used += snprintf(sql + used, sizeof sql - (size_t)used, ",?");
    snprintf(sql + used, sizeof sql - (size_t)used, ")");
    sqlite3_stmt *insert = prepare(to, sql);
    for (uint64_t row = 0; row < table->rows; row++) {
        if (row % rows_per_commit == 0) run(to, row ? "COMMIT; BEGIN IMMEDIATE" : "BEGIN IMMEDIATE");
        for (int i = 0; i < table->columns; i++)
            bind_cell(insert, i + 1, &table->cells[row * (size_t)table->columns + (size_t)i]);
        check(to, sqlite3_step(insert), table->name);
        sqlite3_reset(insert);
    }
    if (table->rows) run(to, "COMMIT");
    sqlite3_finalize(insert);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "sqlite_floor FROM TO ROWS\n"), 64;
    sqlite3 *from, *to;
    check(NULL, sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READONLY, NULL), argv[1]);
    unlink(argv[2]);
    check(NULL, sqlite3_open(argv[2], &to), argv[2]);
    run(to, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");

    static struct table tables[64];
    int count = 0;
    uint64_t events = 0;
    sqlite3_stmt *schema = prepare(
        from, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND "
              "name NOT LIKE 'sqlite_%' "
              // The full-text index makes its own tables, and holds none of these rows.
              "AND name NOT LIKE 'document_texts%' ORDER BY type = 'table' DESC");
    while (sqlite3_step(schema) == SQLITE_ROW) {
        run(to, (const char *)sqlite3_column_text(schema, 2));
        if (strcmp((const char *)sqlite3_column_text(schema, 0), "table")) continue;
        if (count == 64) errno = E2BIG, fail("tables");
        tables[count] = load_table(from, (const char *)sqlite3_column_text(schema, 1));
        if (!strcmp(tables[count].name, "events")) events = tables[count].rows;
        count++;
    }
    sqlite3_finalize(schema);

    uint64_t rows_per_commit = strtoull(argv[3], NULL, 10);
    double began = seconds_now(), cpu_began = cpu_seconds();
    for (int i = 0; i < count; i++) insert_table(to, &tables[i], rows_per_commit);
    run(to, "PRAGMA wal_checkpoint(TRUNCATE)");
    printf("{\"events\":%lu,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", events,
           seconds_now() - began, cpu_seconds() - cpu_began);
    return 0;
}
