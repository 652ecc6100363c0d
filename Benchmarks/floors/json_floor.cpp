// json_floor FILE...: reads lines and lets simdjson take each apart, and no more.
#include <chrono>
#include <cstdio>
#include <simdjson.h>

int main(int argc, char **argv) {
    simdjson::dom::parser parser;
    unsigned long rows = 0, bytes = 0;
    auto began = std::chrono::steady_clock::now();
    for (int i = 1; i < argc; i++) {
        simdjson::padded_string text;
        if (simdjson::padded_string::load(argv[i]).get(text)) return std::perror(argv[i]), 1;
        const char *line = text.data(), *end = line + text.size();
        while (line < end) {
            auto newline = static_cast<const char *>(memchr(line, '\n', size_t(end - line)));
            if (!newline) newline = end;
            simdjson::dom::element row;
            // What follows a line serves as its padding.
            if (parser.parse(line, size_t(newline - line), false).get(row)) return 1;
            rows++;
            line = newline + 1;
        }
        bytes += text.size();
    }
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    std::printf("{\"rows\":%lu,\"bytes\":%lu,\"seconds\":%.6f}\n", rows, bytes, seconds.count());
}
