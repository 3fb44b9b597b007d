/** Where the monitor's clock stands on ours: the least delayed message of this connection tells best. */
export class RemoteClock {
	private ahead_us = Infinity;
	private old = true;

	hear(now_us: number, here_ms: number): void {
		const ahead_us = here_ms * 1000 - now_us;
		this.ahead_us = this.old ? ahead_us : Math.min(this.ahead_us, ahead_us);
		this.old = false;
	}

	/** An instant of the monitor in milliseconds of performance.now(). */
	here_ms(at_us: number): number {
		return (at_us + this.ahead_us) / 1000;
	}

	/** The next message counts alone; until it comes, what was known holds. */
	begin(): void {
		this.old = true;
	}
}
