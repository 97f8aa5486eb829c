import FanfoldJSON

/// A report as one HTML file: no script, nothing from elsewhere.
struct ReportPage {
    /// Failures that are listed.
    static let listedFailures = 100

    private let record: RunRecord

    init(_ record: RunRecord) { self.record = record }

    /// The file.
    var text: String {
        let run = record.run
        let title = HTML.escaped("Run \(run.shown("id")): \(run.shown("name"))")
        let sections = [
            summary, section("Tasks", tasks), section("Timeline", timeline),
            section("Failures", failures), section("Outputs", outputs),
        ].compactMap(\.self).joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="generator" content="Fanfold \(HTML.escaped(Version.text))">
            <title>\(title)</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <h1>\(title)</h1>
            \(sections)
            </body>
            </html>
            """
    }

    private static let style = """
        body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
          color: #1b1f24; background: #fff; }
        h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
        table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem .9rem .25rem 0;
          border-bottom: 1px solid #d8dee4; vertical-align: top; }
        th { font-weight: 600; color: #57606a; } td { font-variant-numeric: tabular-nums; }
        pre { background: #f6f8fa; padding: .6rem; overflow: auto; max-height: 20rem; }
        .state { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; background: #ddd; }
        .completed { background: #cfe8d5; } .failed { background: #f6c9c9; } .cancelled { background: #eee0b8; }
        .note { color: #57606a; } svg { max-width: 100%; height: auto; }
        svg text { font: 11px system-ui, sans-serif; fill: #57606a; }
        """

    private func section(_ title: String, _ body: String?) -> String? {
        body.map { "<h2>\(HTML.escaped(title))</h2>\n\($0)" }
    }

    private var summary: String {
        let run = record.run
        let status = HTML.escaped(run.shown("status"))
        var rows = [
            ["Submitted", "\(run.shown("submitted")) by \(run.shown("submitter"))"],
            ["Started", run.shown("started")], ["Ended", run.shown("ended")],
            [
                "Subtasks",
                "\(run.shown("succeeded")) of \(run.shown("subtasks")) succeeded, "
                    + "\(run.shown("failed")) failed",
            ],
            ["Workers", record.workers.isEmpty ? "-" : "\(record.workers.count)"],
        ]
        if let span = record.span {
            rows.append([
                "From first to last attempt", Self.time(span.upperBound - span.lowerBound),
            ])
        }
        let body = rows.map {
            "<tr><th>\(HTML.escaped($0[0]))</th><td>\(HTML.escaped($0[1]))</td></tr>"
        }.joined(separator: "\n")
        return "<p><span class=\"state \(status)\">\(status)</span></p>\n<table>\(body)</table>"
    }

    private var tasks: String {
        let byTask = Dictionary(grouping: record.attempts, by: \.task)
        return HTML.table(
            [
                "Task", "Strategy", "Status", "Subtasks", "Succeeded", "Failed", "Failed attempts",
                "Median", "95 %", "Longest",
            ],
            record.tasks.map { task in
                let times = (byTask[task.shown("name")] ?? []).map { $0.ended - $0.started }
                    .sorted()
                return [
                    task.shown("name"), task.shown("strategy"), task.shown("status"),
                    task.shown("put"), task.shown("succeeded"), task.shown("failed"),
                    task.shown("failed_attempts"), Self.quantile(times, 50),
                    Self.quantile(times, 95), Self.quantile(times, 100),
                ]
            })
    }

    private static func quantile(_ times: [Int64], _ percent: Int) -> String {
        guard !times.isEmpty else { return "-" }
        return time(times[min(times.count - 1, times.count * percent / 100)])
    }

    private var timeline: String? {
        guard let timeline = ReportTimeline(record) else { return nil }
        var text = timeline.text
        if record.isCut {
            text +=
                "\n<p class=\"note\">Only the attempts that the coordinator knows are shown: \(record.attempts.count).</p>"
        }
        return text
    }

    private var failures: String? {
        var parts: [String] = []
        if let message = record.run["failure"]?["message"]?.stringValue {
            parts.append("<p>\(HTML.escaped(message))</p>")
        }
        let failed = record.attempts.filter { $0.failure != nil }
        if !failed.isEmpty {
            parts.append(
                HTML.table(
                    ["Subtask", "Attempt", "Worker", "Why"],
                    failed.prefix(Self.listedFailures).map {
                        ["\($0.task)/\($0.subtask)", "\($0.number)", $0.worker, $0.failure ?? ""]
                    }))
            let more = failed.count - Self.listedFailures
            if more > 0 { parts.append("<p class=\"note\">and \(more) more</p>") }
        }
        parts += record.logs.prefix(Self.listedFailures).map { log in
            let head =
                "\(log.shown("task"))/\(log.shown("subtask")), attempt \(log.shown("attempt"))"
            return "<h3>\(HTML.escaped(head))</h3>\n<pre>\(HTML.escaped(log.shown("text")))</pre>"
        }
        return parts.isEmpty ? nil : parts.joined(separator: "\n")
    }

    private var outputs: String? {
        let outputs = record.run["outputs"]?.arrayValue ?? []
        guard !outputs.isEmpty else { return nil }
        return HTML.table(
            ["Output", "Size", "Type"],
            outputs.map { output in
                [
                    output.shown("name"),
                    output["bytes"]?.integerValue.map(Human.bytes) ?? "-",
                    output.shown("media_type"),
                ]
            })
    }

    static func time(_ milliseconds: Int64) -> String {
        Human.time(UInt64(clamping: milliseconds) * 1_000_000)
    }
}
