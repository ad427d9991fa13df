"""Usage followers: limits, holds, ledgers, live availability, audit."""
