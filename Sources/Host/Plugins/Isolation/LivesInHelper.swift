/// An instance whose process can be seen, for those who end it on purpose: checks and tests.
package protocol LivesInHelper: AnyObject {
    /// The process that runs it now; `nil` between two of them.
    var processID: Int32? { get }
}

extension IsolatedStrategy: LivesInHelper {}
extension IsolatedCalls: LivesInHelper {}
