@preconcurrency import Glibc

/// Finds the libraries that a plugin needs, in the places where the dynamic linker looks.
///
/// Asked before `dlopen`, so that a missing library is our own sentence.  What is already in this
/// process counts as found, unless it lies beside the plugin; otherwise the order is that of ld.so(8): run path, LD_LIBRARY_PATH,
/// configured folders, default folders.
package struct LibrarySearch {
    /// Where a needed library is.
    package enum Place: Hashable {
        /// It is loaded already.
        case inProcess
        /// In a folder that the plugin names by its own.
        case besidePlugin(String)
        /// Where the system looks, or the plugin by a whole path.
        case elsewhere(String)
    }

    /// How long `/etc/ld.so.conf` and the files it includes may be, each.
    private static let maximumConfigurationBytes = 65_536
    /// How deep they may include one another.
    private static let maximumIncludeDepth = 4
    private static let systemFolders = readConfiguration("/etc/ld.so.conf", depth: 0) + defaults
    #if arch(x86_64)
        private static let defaults = [
            "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
            "/usr/lib",
        ]
    #else
        private static let defaults = [
            "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib",
            "/usr/lib",
        ]
    #endif

    /// The folder of the plugin's own file.
    let origin: String
    /// The folders that the plugin names, as it wrote them.
    let runPath: [String]

    /// A search for the libraries of a plugin in the folder `origin`.
    package init(origin: String, runPath: [String]) {
        self.origin = origin
        self.runPath = runPath
    }

    /// The folders that are looked in, in order.
    var folders: [String] {
        let named = runPath.map { expand($0) }
        let environment = getenv("LD_LIBRARY_PATH").map { String(cString: $0) } ?? ""
        return named
            + environment.split(whereSeparator: { $0 == ":" || $0 == ";" }).map(String.init)
            + Self.systemFolders
    }

    /// Where `library` is; `nil` if it is nowhere.
    ///
    /// What lies beside the plugin is named even if it is loaded already: another process, such as
    /// a helper, finds it only there.
    package func locate(_ library: String) -> Place? {
        let named = library.contains("/") ? nil : inRunPath(library)
        if case .besidePlugin = named { return named }
        if let handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD) {
            // It stays loaded by whoever loaded it; this only gives our own count back.
            dlclose(handle)
            return .inProcess
        }
        if library.contains("/") {
            return Self.exists(expand(library)) ? .elsewhere(expand(library)) : nil
        }
        return named
            ?? folders.map { $0 + "/" + library }.first(where: Self.exists).map(Place.elsewhere)
    }

    private func inRunPath(_ library: String) -> Place? {
        for folder in runPath {
            let path = expand(folder) + "/" + library
            guard Self.exists(path) else { continue }
            return folder == expand(folder) ? .elsewhere(path) : .besidePlugin(path)
        }
        return nil
    }

    private func expand(_ path: String) -> String {
        path.replacing("${ORIGIN}", with: origin).replacing("$ORIGIN", with: origin)
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The folders of a configuration file; none if it cannot be read, as in a small container.
    private static func readConfiguration(_ path: String, depth: Int) -> [String] {
        guard depth <= maximumIncludeDepth, let text = readText(path) else { return [] }
        return text.split(separator: "\n").flatMap { line -> [String] in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { return [] }
            guard first == "include" else { return [String(first)] }
            return words.dropFirst().flatMap { pattern in
                expandPattern(String(pattern)).flatMap { readConfiguration($0, depth: depth + 1) }
            }
        }
    }

    private static func readText(_ path: String) -> String? {
        do throws(PluginLoadError) {
            let file = try FileBytes(path: path, limit: maximumConfigurationBytes)
            return file.withBytes { String(decoding: $0, as: UTF8.self) }
        } catch {
            return nil
        }
    }

    private static func expandPattern(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        let absolute = pattern.hasPrefix("/") ? pattern : "/etc/" + pattern
        guard glob(absolute, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }
}
