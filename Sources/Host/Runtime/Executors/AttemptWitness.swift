import FanfoldCore
import FanfoldJSON
import Logging
import Synchronization

/// How far an attempt says that it is.
package struct AttemptProgress: Hashable, Sendable {
    /// Bytes of the longest note; what is longer is cut.
    package static let noteBytes = 200

    /// From 0 to 1.
    package var fraction: Double
    /// For people; may be empty.
    package var note: String

    /// Something said, made to fit.
    package init(fraction: Double, note: String = "") {
        self.fraction = fraction.isFinite ? min(1, max(0, fraction)) : 0
        self.note =
            note.utf8.count <= Self.noteBytes
            ? note : String(decoding: note.utf8.prefix(Self.noteBytes), as: UTF8.self)
    }

    /// What an executor says before its end: `{"progress":0.5,"message":"…"}`; `nil` for other things.
    init?(_ said: JSON) {
        guard let fraction = said["progress"]?.doubleValue else { return nil }
        self.init(fraction: fraction, note: said["message"]?.stringValue ?? "")
    }
}

/// Who is told what attempts say before their end.
///
/// Called from any thread; nothing may wait.  An attempt that says nothing costs nothing.
package protocol AttemptWitness: Sendable {
    /// Bytes came on the error output, or a line of a plugin.
    func wrote(_ bytes: UnsafeRawBufferPointer, in attempt: AttemptID)
    /// An executor says how far it is.
    func progressed(_ progress: AttemptProgress, in attempt: AttemptID)
    /// Nothing more comes of an attempt that may have said something.
    func ended(_ attempt: AttemptID)
}

/// An attempt with who listens to it.
package struct AttemptVoice: Sendable {
    let witness: any AttemptWitness
    let attempt: AttemptID

    /// What an attempt says goes to the witness.
    package init(_ attempt: AttemptID, witness: any AttemptWitness) {
        self.attempt = attempt
        self.witness = witness
    }

    func wrote(_ bytes: UnsafeRawBufferPointer) { witness.wrote(bytes, in: attempt) }

    func wrote(line: String) {
        var line = line.hasSuffix("\n") ? line : line + "\n"
        line.withUTF8 { witness.wrote(UnsafeRawBufferPointer($0), in: attempt) }
    }

    func ended() { witness.ended(attempt) }

    /// What an executor said before its end: progress, or `{"log":"a line"}`.
    func said(_ document: [UInt8]) {
        guard let said = try? JSON(parsing: document) else { return }
        if let line = said["log"]?.stringValue { wrote(line: line) }
        if let progress = AttemptProgress(said) { witness.progressed(progress, in: attempt) }
    }
}

/// The attempts that an instance of an executor runs: a line that it logs belongs to the one there
/// is; of several nobody knows whose it is, and it goes to the worker's log alone.
final class InstanceVoices: Sendable {
    private let voices = Mutex<[AttemptID: AttemptVoice]>([:])

    func add(_ voice: AttemptVoice) { voices.withLock { $0[voice.attempt] = voice } }

    func remove(_ voice: AttemptVoice) { voices.withLock { $0[voice.attempt] = nil } }

    var only: AttemptVoice? { voices.withLock { $0.count == 1 ? $0.first?.value : nil } }

    /// A logger that writes where `logger` does, and into the log of the only attempt.
    func heard(by logger: Logger) -> Logger {
        var heard = Logger(label: logger.label) { [self] _ in
            VoiceLogHandler(voices: self, rest: logger.handler)
        }
        heard.logLevel = min(logger.logLevel, .info)
        return heard
    }
}

/// Writes lines of a plugin into the log of the attempt that it runs.
private struct VoiceLogHandler: LogHandler {
    let voices: InstanceVoices
    var rest: any LogHandler
    var logLevel = Logger.Level.info

    init(voices: InstanceVoices, rest: any LogHandler) {
        self.voices = voices
        self.rest = rest
    }

    var metadata: Logger.Metadata {
        get { rest.metadata }
        set { rest.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { rest[metadataKey: key] }
        set { rest[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        if let voice = voices.only, let text = event.metadata?["text"] {
            voice.wrote(line: "\(event.level): \(text)")
        }
        if event.level >= rest.logLevel { rest.log(event: event) }
    }
}
