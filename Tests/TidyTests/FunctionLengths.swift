/// Functions of a formatted Swift file with their lengths in lines, signature and braces included.
///
/// Relies on the formatter: a body ends at the first line that closes a brace at the column at
/// which the declaration began.
func functionLengths(_ lines: [String]) -> [(line: Int, length: Int)] {
    let declaration =
        /(@\w+(\([^)]*\))? |[a-z]+(\(set\))? )*(func |init[?!]?[(<]|deinit|subscript[(<])/
    var found: [(line: Int, length: Int)] = []
    for (start, line) in lines.enumerated() {
        let text = line.drop(while: { $0 == " " })
        guard text.prefixMatch(of: declaration) != nil else { continue }
        let column = line.count - text.count
        if let end = bodyEnd(lines, after: start, column: column) {
            found.append((start + 1, end - start + 1))
        }
    }
    return found
}

/// The line that closes the body; nil for a declaration without one.
private func bodyEnd(_ lines: [String], after start: Int, column: Int) -> Int? {
    if lines[start].hasSuffix("}") { return start }
    for index in lines.indices.dropFirst(start + 1) {
        let text = lines[index].drop(while: { $0 == " " })
        guard !text.isEmpty, lines[index].count - text.count <= column else { continue }
        if lines[index].count - text.count == column, text.hasPrefix("}") { return index }
        // The rest of a signature that takes several lines stands at the declaration's own column.
        if text.hasPrefix(")") || text.hasPrefix("{") || text.hasPrefix("where ") { continue }
        return nil
    }
    return nil
}
