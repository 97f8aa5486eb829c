/// How far a run is, in a line.
struct ProgressLine {
    /// The task that runs now.
    var task: String?
    /// Subtasks of which nothing is to come any more.
    var done = 0
    /// Subtasks that were put.
    var known = 0
    /// Whether there may be more.
    var isOpen = true
    var running = 0
    var failed = 0
    /// Since the run was submitted.
    var nanoseconds: UInt64 = 0
    /// `nil` if nobody has said.
    var workers: Int?

    /// Columns of the widest bar.
    private static let widestBar = 40
    /// Columns of the narrowest bar that is drawn.
    private static let narrowestBar = 8

    /// Without a bar.
    var text: String {
        let seconds = max(0.001, Double(nanoseconds) / 1e9)
        let rate = Double(done) / seconds
        var parts = ["\(done)/\(known)\(isOpen ? "+" : "") done", "\(running) running"]
        if failed > 0 { parts.append("\(failed) failed") }
        parts.append("\(Human.fixed(rate, rate < 10 ? 1 : 0))/s")
        if !isOpen, rate > 0, known > done {
            parts.append("ETA \(Human.time(UInt64(Double(known - done) / rate * 1e9)))")
        }
        if let workers { parts.append(Human.count(workers, "worker")) }
        return (task.map { "\($0): " } ?? "") + parts.joined(separator: ", ")
    }

    /// With a bar, if there is room for one.
    func bar(width: Int) -> String {
        let text = text
        let room = min(Self.widestBar, width - text.count - 4)
        guard room >= Self.narrowestBar else { return String(text.prefix(max(0, width - 1))) }
        let share = known == 0 ? 0 : min(1, Double(done) / Double(known))
        let filled = Int(share * Double(room))
        let rest = String(repeating: isOpen ? "·" : " ", count: room - filled)
        return "[" + String(repeating: "=", count: filled) + rest + "] " + text
    }
}
