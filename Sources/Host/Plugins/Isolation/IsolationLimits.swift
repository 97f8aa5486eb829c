/// The limits of what crosses between the host and a helper.
package enum IsolationLimits {
    /// Bytes of one frame, its head included: well below what a socket takes as one message.
    package static let frameBytes = 60 << 10
    /// Bytes of one message, which is as many frames as it takes.
    package static let messageBytes = 256 << 20
    /// Bytes that travel within a message; what is longer goes through shared memory.
    package static let inlineBytes = 8 << 10
    /// Bytes of shared memory in each direction: addresses, not memory, until they are used.
    package static let arenaBytes = 1 << 30
    /// Bytes of standard output and error of a helper that are kept: the first ones.
    package static let outputBytes = 64 << 10
    /// Bytes of addresses that a helper may take.
    package static let addressBytes: UInt64 = 64 << 30
    /// Descriptors that a helper may hold.
    package static let descriptors: UInt32 = 256
    /// How often somebody who waits looks whether the other side still lives, in milliseconds.
    package static let tickMilliseconds: UInt32 = 50
    /// Time to load a plugin and make an instance, in nanoseconds.
    package static let startNanoseconds: UInt64 = 20_000_000_000
    /// Time that a helper which was sent SIGABRT has to write its stack, in nanoseconds.
    package static let abortNanoseconds: UInt64 = 3_000_000_000
    /// Time that a stopped process may stay stopped before it counts as hung, in nanoseconds.
    package static let stoppedNanoseconds: UInt64 = 200_000_000
    /// Tries of one call, each with a helper of its own, before the plugin is given up.
    package static let triesPerCall = 3
    /// Deaths of helpers while they are told again what was said before, in one call.
    package static let restartsPerCall = 8
    /// The pause before a helper is started again, doubled each time without a call in between.
    package static let restartNanoseconds: UInt64 = 10_000_000
    /// Ends of helpers in a row after which an executor or a provider rests.
    package static let deathsInARow = 5
    /// How long it rests, in nanoseconds.
    package static let circuitNanoseconds: UInt64 = 10_000_000_000
    /// Ticks that a helper may read nothing while it is told something.
    package static let sendTicks = 40
    /// Log lines of a helper that are remembered for the message about its end.
    package static let rememberedLines = 8
    /// Figures that one call of a strategy may count or measure; more are dropped.
    package static let figuresPerCall = 65_536
    /// Bytes of a replay log that are held in memory; more goes to a file without a name.
    package static let replayBytes = 32 << 20
    /// Bytes of a result that a replay log copies; a longer one is kept by reference.
    package static let replayCopyBytes = 4 << 10
}
