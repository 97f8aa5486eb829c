import FanfoldAPI
import FanfoldBlobs
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime
import Synchronization

extension EngineControl {
    func submit(_ submission: Submission) async throws(ControlError) -> RunDetail {
        if let key = submission.idempotencyKey {
            guard
                let known = await askBooks({ $0.run(submitter: submission.submitter, key: key) })
            else { throw silent }
            if let known { return try await run(known.rawValue) }
        }
        let id = RunID(await nextRun())
        let folder = RunFolder(id, below: runsFolder)
        let prepared = try await onThread { [self] () throws(ControlError) in
            do throws(ControlError) {
                let prepared = try prepare(submission, for: id, in: folder)
                // The run has its own copies; what was never pinned stays as it is.
                try? blobs.unpin(
                    submission.files.compactMap { BlobID($0.sha256) }, for: Self.uploads)
                return prepared
            } catch {
                discard(id)
                throw error
            }
        }
        return try await take(prepared, id, submission)
    }

    /// Puts a document with its files into a folder and makes it ready to run.
    ///
    /// - Parameter run: whose files are kept for workers; `nil` if nothing is to run.
    func prepare(
        _ submission: Submission, for id: RunID?, in folder: RunFolder
    ) throws(ControlError) -> PreparedRun {
        let document = RunFolder.document(of: submission)
        let overrides = submission.overrides.map { RunSetting(key: $0.key, value: $0.value) }
        try folder.fill(
            document: document, bytes: submission.document, files: submission.files, from: blobs)
        let path = "\(folder.path)/\(document)"
        let pipeline = try Self.checked { () throws(DocumentErrors) in
            try Pipeline.load(
                path: path, overrides: overrides.map { .set("\($0.key)=\($0.value)") })
        }
        // Before anything that it names is opened.
        try Self.admit(
            pipeline, submission, in: folder,
            queues: queueBook.withLock { $0 })
        let run = try Self.checked { () throws(DocumentErrors) in try preparer(path, overrides) }
        guard let id else { return run }
        let sums = Dictionary(
            submission.files.map { ($0.path, $0.sha256) }, uniquingKeysWith: { first, _ in first })
        try folder.ship(run.pipeline, run: id, sums: sums, from: blobs)
        return run
    }

    /// What is wrong with a document, as an answer.
    private static func checked<Value>(
        _ body: () throws(DocumentErrors) -> Value
    ) throws(ControlError) -> Value {
        do throws(DocumentErrors) {
            return try body()
        } catch {
            throw ControlError(places: error.diagnostics)
        }
    }

    /// Drops all that is kept of a run that was not taken on, or is not kept any more.
    func discard(_ run: RunID) {
        RunFolder(run, below: runsFolder).remove()
        // What cannot be unpinned stays in the store.
        try? blobs.unpinAll(of: RunFolder.owner(run))
    }

    private func take(
        _ prepared: PreparedRun, _ id: RunID, _ submission: Submission
    ) async throws(ControlError) -> RunDetail {
        let label = RunLabel(
            name: submission.name ?? prepared.pipeline.name, submitter: submission.submitter,
            submitted: Timestamp.now().milliseconds,
            document: RunFolder.document(of: submission),
            overrides: submission.overrides.map { .init(key: $0.key, value: $0.value) },
            idempotencyKey: submission.idempotencyKey, isOrchestrated: submission.isOrchestrated,
            strategies: prepared.tasks.map(\.strategy.component.id),
            outputs: prepared.pipeline.outputs.map(\.name))
        let widths = try await onThread { [self] in self.widths(of: prepared) }
        let submitted = Mutex(id)
        let isTaken = await settle { [self] loop, now in
            // The same key may have come twice at the same time.
            if let key = submission.idempotencyKey,
                let first = books.run(submitter: submission.submitter, key: key)
            {
                return submitted.withLock { $0 = first }
            }
            books.enter(id, label)
            outputs.enter(
                id, tasks: loop.taskCount..<(loop.taskCount + prepared.tasks.count))
            loop.submit(id, prepared, label: label.bytes, widths: widths, at: now)
            journal.change(.putRun(books.entry(id, label, .pending, ended: nil)))
            note("run.submitted", run: id)
        }
        guard isTaken else { throw silent }
        let taken = submitted.withLock { $0 }
        if taken != id { discard(id) }
        return try await run(taken.rawValue)
    }

    /// How many subtasks tasks will have that wait for others, and how long they take: nobody asks where
    /// nothing is rented and there is no deadline.
    private func widths(of prepared: PreparedRun) -> [TaskWidth] {
        let expects = desk != nil && prepared.hasWaitingTasks
        guard expects || prepared.pipeline.deadlineNanoseconds != nil else { return [] }
        // Without a history nothing is known of earlier runs.
        let earlier = try? history?.earlierRuns(of: prepared.historyClasses)
        return prepared.widths(asksStrategies: expects, earlier: earlier ?? [:])
    }

    func runs(_ query: RunQuery) async throws(ControlError) -> RunPage {
        guard let page = await ask({ [books] view in books.page(query, view) }) else {
            throw silent
        }
        return page
    }

    func run(_ id: UInt64) async throws(ControlError) -> RunDetail {
        let found = await ask { [books] view in
            view.loop.run(RunID(id)).map { books.detail($0, view) }
        }
        guard let found else { throw silent }
        guard let detail = found else { throw Self.noRun(id) }
        return detail
    }

    func cancel(run id: UInt64, reason: String) async throws(ControlError) -> RunDetail {
        let isDone = await settle { loop, now in
            loop.cancel(RunID(id), reason: reason, at: now)
        }
        guard isDone else { throw silent }
        return try await run(id)
    }

    func retryFailed(
        run id: UInt64, submitter: String, isAdmin: Bool
    ) async throws(ControlError) -> RunDetail {
        let before = try await run(id)
        guard before.summary.status.hasEnded else {
            throw ControlError(.conflict, "run \(id) has not ended; cancel it first")
        }
        guard before.summary.status != .completed else {
            throw ControlError(.conflict, "nothing of run \(id) failed")
        }
        let queue = before.summary.queue
        let refusal = queueBook.withLock {
            $0.refusal(queue: queue, user: submitter, isAdmin: isAdmin)
        }
        if let refusal { throw ControlError(.forbidden, refusal) }
        let label = try await label(of: id)
        let folder = RunFolder(RunID(id), below: runsFolder)
        let next = RunID(await nextRun())
        let copy = RunFolder(next, below: runsFolder)
        let prepared = try await onThread { [self] () throws(ControlError) in
            do throws(ControlError) {
                return try prepareCopy(of: folder, label, next, in: copy)
            } catch {
                discard(next)
                throw error
            }
        }
        var submission = Submission(
            document: [], format: label.document.hasSuffix("json") ? .json : .yaml,
            name: label.name, overrides: label.overrides.map { ($0.key, $0.value) },
            submitter: submitter)
        submission.isOrchestrated = label.isOrchestrated
        return try await take(prepared, next, submission)
    }

    private func prepareCopy(
        of folder: RunFolder, _ label: RunLabel, _ next: RunID, in copy: RunFolder
    ) throws(ControlError) -> PreparedRun {
        let sums = try folder.shippedSums(from: blobs)
        try copy.takeOver(folder)
        let run: PreparedRun
        do throws(DocumentErrors) {
            run = try preparer("\(copy.path)/\(label.document)", label.overrides)
        } catch {
            throw ControlError(.conflict, "the pipeline cannot run any more: \(error)")
        }
        // Its priority was allowed when it was handed in.
        let problems = queueBook.withLock { $0.problems(with: run.pipeline, isAdmin: true) }
        if let problem = problems.first {
            throw ControlError(.conflict, "the pipeline cannot run any more: \(problem.message)")
        }
        try copy.ship(run.pipeline, run: next, sums: sums, from: blobs)
        return run
    }

    func outputs(run id: UInt64) async throws(ControlError) -> [OutputSummary] {
        try await run(id).outputs
    }

    func why(_ subject: RunSubject) async throws(ControlError) -> Explanation {
        let found = await ask { [books] view in books.explain(subject, view) }
        guard let found else { throw silent }
        guard let explanation = found else {
            let detail = try await run(subject.run)
            guard let task = detail.tasks.first(where: { $0.name == subject.task }) else {
                throw ControlError(
                    .notFound, "run \(subject.run) has no task \"\(subject.task ?? "")\"")
            }
            throw ControlError(
                .notFound,
                "task \(task.name) of run \(subject.run) has no subtask \(subject.subtask ?? 0): "
                    + "\(task.put) were put" + (task.allPut ? "" : " until now"))
        }
        return explanation
    }

    func attempts(
        run id: UInt64, task: String, from first: Int, limit: Int
    ) async throws(ControlError) -> AttemptPage {
        let found = await ask { [books] view in books.attempts(id, task, first, limit, view) }
        guard let found else { throw silent }
        guard let page = found else {
            throw ControlError(.notFound, "run \(id) has no task \"\(task)\"")
        }
        return page
    }

    func subtasks(
        run id: UInt64, task: String, from first: UInt32, limit: Int
    ) async throws(ControlError) -> SubtaskPage {
        let found = await ask { [books] view in books.subtasks(id, task, first, limit, view) }
        guard let found else { throw silent }
        guard let page = found else {
            throw ControlError(.notFound, "run \(id) has no task \"\(task)\"")
        }
        return page
    }
}
