import ArgumentParser
struct Simulation { init(seed: UInt64) {}; mutating func run() -> R { R() }
struct R { var transcriptHash: UInt64 = 0, events = 0, problems: [String] = [] } }
