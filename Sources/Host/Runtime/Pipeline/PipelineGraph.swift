import FanfoldJSON

/// The order of the tasks, and the circles in which they wait for each other.
struct PipelineGraph {
    /// How many circles are reported.
    static let maximumCycles = 50
    /// How many tasks of one circle are named.
    static let maximumNamed = 12

    /// Indices such that each comes after what it waits for; those of a circle are in it too.
    private(set) var order: [Int] = []
    /// Circles: each waits for the next, and the last for the first.
    private(set) var cycles: [[Int]] = []

    private enum Mark {
        case new
        case open
        case done
    }

    /// Orders the tasks; without a preference of its own, by their order in the document.
    ///
    /// Complexity: the number of tasks and dependencies.
    ///
    /// - Parameter dependencies: for each task, those it waits for, ascending.
    init(_ dependencies: [[Int]]) {
        var marks = [Mark](repeating: .new, count: dependencies.count)
        for root in dependencies.indices where marks[root] == .new {
            // An explicit stack: a chain of tasks may be longer than the thread's stack is deep.
            var path = [(task: root, next: 0)]
            marks[root] = .open
            while let (task, next) = path.last {
                guard next < dependencies[task].count else {
                    marks[task] = .done
                    order.append(task)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let dependency = dependencies[task][next]
                switch marks[dependency] {
                case .new:
                    marks[dependency] = .open
                    path.append((dependency, 0))
                case .open:
                    guard cycles.count < Self.maximumCycles else { break }
                    let start = path.firstIndex { $0.task == dependency } ?? 0
                    cycles.append(path[start...].map(\.task))
                case .done: break
                }
            }
        }
    }
}

extension PipelineChecker {
    /// Reports the circles; returns the order of the tasks.
    mutating func checkOrder() -> [Int] {
        let graph = PipelineGraph(tasks.map(\.dependencies))
        for cycle in graph.cycles { refuseCycle(cycle) }
        return graph.order
    }

    private mutating func refuseCycle(_ cycle: [Int]) {
        var names = cycle.prefix(PipelineGraph.maximumNamed).map { tasks[$0].name }
        if cycle.count > names.count { names.append("…") }
        names.append(tasks[cycle[0]].name)
        var notes: [Diagnostic.Note] = []
        for (position, task) in cycle.prefix(PipelineGraph.maximumNamed).enumerated() {
            let next = cycle[(position + 1) % cycle.count]
            let place = edge(from: task, to: next).flatMap { source.place($0) }
            notes.append(
                .init(place: place, "\(tasks[task].name) waits for \(tasks[next].name) here"))
        }
        refuse(
            JSONPointer(["tasks", names[0]]), atKey: true,
            "the tasks wait for each other in a circle: \(names.joined(separator: " -> "))",
            notes: notes)
    }

    /// Where a task says that it waits for another.
    private func edge(from task: Int, to next: Int) -> JSONPointer? {
        let pointer = JSONPointer(["tasks", tasks[task].name])
        let reference = "${tasks.\(tasks[next].name).output}"
        for (key, wanted) in [("input", reference), ("after", tasks[next].name)] {
            let place = pointer.appending(key)
            switch json.value(at: place) {
            case .string(wanted)?: return place
            case .array(let elements)?:
                if let index = elements.firstIndex(of: .string(wanted)) {
                    return place.appending(index)
                }
            case .object(let object)?:
                if let name = object.members.first(where: { $1 == .string(wanted) })?.0 {
                    return place.appending(name)
                }
            default: break
            }
        }
        return nil
    }
}
