internal import Glibc

/// Stops the fuzzer where a rule is broken; it then keeps the input.
public func require(_ condition: Bool, _ rule: @autoclosure () -> String) {
    guard !condition else { return }
    // A release build does not say why it stops.
    let line = Array("broken rule: \(rule())\n".utf8)
    _ = write(2, line, line.count)
    abort()
}
