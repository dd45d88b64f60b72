"""Measure all there is: speed, whole jobs, large data. Run it with ``python benchmarks``."""

import jobs
import large_data
import speed

if __name__ == "__main__":
    for title, module in (("Speed", speed), ("Jobs", jobs), ("Large data", large_data)):
        print(f"\n## {title}\n", flush=True)
        module.main([])
