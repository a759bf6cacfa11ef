"""The proof of `explain`: syncs in which a cause was planted, each with a label that says what a person should be told.

`python -m tests.rca`, or `make rca`, plays every scenario on real servers, workers and a simulated GitHub, asks `explain`
for the cause, and compares. A label says what was injected, and was written before any rule and without a look at one.

How labels were given
---------------------
- **Outcome**: what the run's row says when it is explained: completed, partial, failed or cancelled; of one that goes on
  `waiting` if nothing of it works, and `running` otherwise. A run that lost a repository is partial.
- **A run that failed, or lost a repository**: the cause is what ended it, and of what ended it the first: what was injected,
  not the error that followed from it. A fault that healed before decides nothing, however long it took.
- **A run that waits**: the cause is what it waits for now.
- **A run that is complete**: the cause is the one that cost most on the critical path, if that is worth naming.
- **Worth naming** is what cost a second or more, or a twentieth of the run or more. What cost under a second and under a
  twentieth is not: the run is healthy, and has no cause. No scenario is near that border: a cause costs at least two seconds
  and a fifth of the run, a fault that is not worth naming less than half a second and a fiftieth.
- **Healthy** is a run that took long because there was much to do: many pull requests, long lists, several repositories one
  after another as GitHub wants it, each answer at GitHub's usual pace (up to half a second). Waiting for another repository
  of the same run is no cause; waiting for another team is.
- **Slow** are answers that took seconds (three or more) where the others of the run took a fraction of one.
- **Names**: the repositories which the cause struck. A cause that struck the whole run (no worker, no broker, an analysis
  that failed) may name all of its repositories or none: nobody has said which, and both are true.
- **Queue and lane** are told apart as docs/operations.md does: `queue_busy` is the wait to be admitted behind another team's
  repository, and that for a worker; `lane_busy` is a request's wait for its account's turn, which somebody else holds.
- **What follows from a death belongs to it**: the lease that a killed process left on its lane, the silence until it is
  found.
- **A limit of time** that ended something is the cause where our own process hung without any fault behind it.
- **Unknown** is the right answer where what would decide was never written: a run that took long without a span or a line.

The chain must hold, beside whatever else it says, one of the spans, lines or rows by which the label can be proven
(`proofs`), and everything that it names must exist and say so (`judging`).
"""
