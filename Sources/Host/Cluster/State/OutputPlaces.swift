import FanfoldCore
import FanfoldRuntime
import Synchronization

/// Where the outputs of tasks are kept: in the folder of the run that a task belongs to.
final class OutputPlaces: Sendable {
    private struct Place {
        var first: UInt32
        var count: UInt32
        var run: RunID
    }

    private let runsFolder: String
    /// By their first tasks, ascending.
    private let places = Mutex<[Place]>([])

    init(runsFolder: String) { self.runsFolder = runsFolder }

    /// A run has the tasks from `first`; runs come in the order of their tasks.
    func enter(_ run: RunID, tasks: Range<Int>) {
        places.withLock {
            $0.append(
                Place(first: UInt32(tasks.lowerBound), count: UInt32(tasks.count), run: run))
        }
    }

    private func place(of task: TaskID) -> (RunFolder, Int)? {
        places.withLock { places in
            var (low, high) = (0, places.count)
            while low < high {
                let middle = (low + high) / 2
                if places[middle].first + places[middle].count <= task.index {
                    low = middle + 1
                } else {
                    high = middle
                }
            }
            guard low < places.count, places[low].first <= task.index else { return nil }
            return (
                RunFolder(places[low].run, below: runsFolder),
                Int(task.index - places[low].first)
            )
        }
    }

    func keep(_ output: Dataset, of task: TaskID) throws(DataError) -> Dataset {
        guard let (folder, index) = place(of: task) else { return output }
        return try folder.keep(output, ofTask: index)
    }

    func output(of task: TaskID) -> Dataset? {
        guard let (folder, index) = place(of: task) else { return nil }
        do throws(DataError) {
            return try folder.output(ofTask: index)
        } catch {
            return nil
        }
    }
}
