import CPlatform
import Glibc

/// Signals as a descriptor to poll. Make it before any thread is started, so that all inherit the
/// mask.
public final class SignalDescriptor: Sendable {
    public enum Signal: Int32, Sendable, CaseIterable {
        case hangup = 1
        case interrupt = 2
        case terminate = 15
        case user1 = 10
        /// The process goes on after it was stopped.
        case resume = 18
        /// The terminal has another size.
        case resize = 28
    }

    private let descriptor: OwnedDescriptor
    public var raw: Int32 { descriptor.raw }

    public init(_ signals: [Signal]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal.rawValue) }
        let result = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard result == 0 else { throw SystemError(code: result, operation: "pthread_sigmask") }
        let raw = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard raw >= 0 else { throw .current("signalfd") }
        descriptor = OwnedDescriptor(owning: raw)
    }

    /// The next signal that arrived; nil when none waits.
    public func next() -> Signal? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard read(raw, &info, size) == size else { return nil }
        return Signal(rawValue: Int32(info.ssi_signo))
    }
}
