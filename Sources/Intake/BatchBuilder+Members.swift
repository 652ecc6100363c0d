internal import CSimdJSON
internal import QuipuModel

extension BatchBuilder {
    /// Writes the members that no column holds as two JSON objects: the small ones, and the large
    /// ones. The members of member `merged` stand there as if they were the line's own.
    mutating func appendMembers(
        of document: inout JSONDocument, merging merged: Int?
    ) -> (attributes: Slice, payload: Slice) {
        var inner = MemberList(document: document)
        if let merged, let children = document.children(of: merged) {
            inner.members = children
            inner.places = document.placesOfMerged(children)
            document.places[merged] = .column
        }
        var outer = MemberList(document: document)
        outer.members = document.members
        outer.places = document.places
        inner.moveLargeToPayload()
        outer.moveLargeToPayload()

        var object = ObjectWriter(start: batch.bytes.count, bytesMax: Limits.attributesBytesMax)
        write(&inner, .attributes, &object)
        write(&outer, .attributes, &object)
        writeExtras(.attributes, &object)
        let attributes = close(object)
        // Payloads have an arena of their own; writing goes to the one that stands in `bytes`.
        swap(&batch.bytes, &batch.payloads)
        defer { swap(&batch.bytes, &batch.payloads) }
        object = ObjectWriter(start: batch.bytes.count, bytesMax: .max)
        write(&inner, .payload, &object)
        write(&outer, .payload, &object)
        writeExtras(.payload, &object)
        extras.removeAll(keepingCapacity: true)
        return (attributes, close(object))
    }

    /// Writes `extras` as two JSON objects, and forgets them.
    mutating func appendExtras() -> (attributes: Slice, payload: Slice) {
        var object = ObjectWriter(start: batch.bytes.count, bytesMax: Limits.attributesBytesMax)
        writeExtras(.attributes, &object)
        let attributes = close(object)
        swap(&batch.bytes, &batch.payloads)
        defer { swap(&batch.bytes, &batch.payloads) }
        object = ObjectWriter(start: batch.bytes.count, bytesMax: .max)
        writeExtras(.payload, &object)
        extras.removeAll(keepingCapacity: true)
        return (attributes, close(object))
    }

    /// Writes an object of one member that all records of a line have, for them to share: a copy in
    /// each would make a line of many records as long as its square. A long value is cut.
    mutating func appendShared(_ name: StaticString, _ value: Bytes) -> Slice {
        var object = ObjectWriter(start: batch.bytes.count, bytesMax: .max)
        begin(&object)
        write(quoted: Bytes(name))
        write(UInt8(ascii: ":"))
        let start = batch.bytes.count
        write(json: value)
        cut(start, named: Bytes(name), bytesMax: Limits.attributeBytesMax)
        return close(object)
    }

    /// Where an object that is being written begins, and how long it may become.
    private struct ObjectWriter {
        let start: Int
        let bytesMax: Int
        var isEmpty = true
    }

    private mutating func write(
        _ list: inout MemberList, _ place: JSONDocument.Place, _ object: inout ObjectWriter
    ) {
        for index in list.members.indices where list.places[index] == place {
            let member = list.members[index]
            let text = list.document.memberText(member)
            let bytes = batch.bytes.count - object.start + text.count + 2
            guard bytes <= object.bytesMax else {
                list.places[index] = .payload
                continue
            }
            begin(&object)
            let start = batch.bytes.count
            write(json: text)
            if place == .payload, batch.bytes.count - start > payloadBytesMax {
                cut(valueStart(start), named: member.nameBytes, bytesMax: payloadBytesMax)
            }
        }
    }

    private mutating func writeExtras(_ place: JSONDocument.Place, _ object: inout ObjectWriter) {
        for extra in extras {
            let isLarge = extra.isLarge || extra.value.count > Limits.attributeBytesMax
            guard isLarge == (place == .payload) else { continue }
            begin(&object)
            write(quoted: Bytes(extra.name))
            write(UInt8(ascii: ":"))
            let start = batch.bytes.count
            write(json: extra.value)
            if place == .payload { cut(start, named: Bytes(extra.name), bytesMax: payloadBytesMax) }
        }
    }

    private mutating func begin(_ object: inout ObjectWriter) {
        write(object.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        object.isEmpty = false
    }

    private mutating func close(_ object: ObjectWriter) -> Slice {
        guard !object.isEmpty else { return .none }
        write(UInt8(ascii: "}"))
        return Slice(offset: object.start, count: batch.bytes.count - object.start)
    }

    /// Where the value of the member begins that was written at `start`.
    private func valueStart(_ start: Int) -> Int {
        batch.bytes.withUnsafeBytes { bytes in
            var position = Quote.plain.end(bytes, from: start + 1) + 1
            while position < bytes.count, bytes[position].isSpace { position += 1 }
            position += 1
            while position < bytes.count, bytes[position].isSpace { position += 1 }
            return Swift.min(position, bytes.count)
        }
    }

    /// Cuts the value that was written last, and writes how long it was as `<name>_bytes`.
    private mutating func cut(_ start: Int, named name: Bytes, bytesMax: Int) {
        let bytes = batch.bytes.count - start
        guard bytes > bytesMax else { return }
        let kept = batch.bytes.withUnsafeBytes {
            JSONCut(value: $0.part(start, $0.count), bytesMax: bytesMax)
        }
        batch.bytes.removeSubrange((start + kept.bytes)...)
        kept.closing.withUnsafeBytes { write($0) }
        write(UInt8(ascii: ","))
        write(UInt8(ascii: "\""))
        write(escaping: name)
        write("_bytes\":")
        write(decimal: bytes)
    }
}

/// A member that a record has besides those of its line.
struct ExtraMember {
    let name: StaticString
    /// JSON text.
    let value: Bytes
    /// Tools' inputs and outputs, and what is long.
    var isLarge = false
}

/// Members of one object and where each of them goes.
private struct MemberList {
    let document: JSONDocument
    var members = UnsafeBufferPointer<Member>(start: nil, count: 0)
    var places: [JSONDocument.Place] = []

    init(document: JSONDocument) { self.document = document }

    mutating func moveLargeToPayload() {
        for (index, member) in members.enumerated() where places[index] == .attributes {
            let bytes = member.value_end - member.name_start
            if bytes > Limits.attributeBytesMax { places[index] = .payload }
        }
    }
}

extension JSONDocument {
    /// Members of the object that is merged yield to the line's own of the same name.
    fileprivate func placesOfMerged(_ children: UnsafeBufferPointer<Member>) -> [Place] {
        var found = [Place](repeating: .attributes, count: children.count)
        for index in DuplicateNames.find(in: children) { found[index] = .shadowed }
        var own: [UInt64: Int] = [:]
        for (index, member) in members.enumerated()
        where places[index] == .attributes || places[index] == .payload {
            own[member.name_hash] = index
        }
        for (index, child) in children.enumerated() {
            if let same = own[child.name_hash], members[same].hasName(of: child) {
                found[index] = .shadowed
            }
        }
        return found
    }
}
