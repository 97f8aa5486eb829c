@preconcurrency import Glibc
import Synchronization

/// Closures that the host is to call once, by number.
///
/// The `user` pointer of a callback is a number and no address, so a host that calls twice finds
/// nothing the second time.
enum Callbacks {
    /// A closure on its way to the lane; the host calls it once, from one thread at a time: hence
    /// `@unchecked Sendable`.
    private struct Entry: @unchecked Sendable {
        var closure: (CallbackAnswer) -> Void
    }

    private struct State {
        var next: UInt = 1
        var entries: [UInt: Entry] = [:]
    }

    private static let state = Mutex(State())

    /// Keeps a closure.
    ///
    /// Returns: What to hand to the host as `user`.
    static func keep(_ closure: @escaping (CallbackAnswer) -> Void) -> UnsafeMutableRawPointer? {
        let entry = Entry(closure: closure)
        return UnsafeMutableRawPointer(
            bitPattern: state.withLock { state in
                defer { state.next += 1 }
                state.entries[state.next] = entry
                return state.next
            })
    }

    /// Calls the closure, unless it has been called already.
    static func call(_ user: UnsafeMutableRawPointer?, _ answer: CallbackAnswer = .none) {
        let number = UInt(bitPattern: user)
        state.withLock { $0.entries.removeValue(forKey: number) }?.closure(answer)
    }
}

/// What a callback is told.
enum CallbackAnswer {
    case none
    case http(Result<HTTPAnswer, PluginError>)
}
