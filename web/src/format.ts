// Times and points as people read them. Pure.

export type LanguageCode = 'en' | 'fr';

/** 1:27:31, or 27:31 within the first hour where `hours` is not forced. */
export function clock(seconds: number, hours = false): string {
	const sign = seconds < 0 ? '−' : '';
	const s = Math.floor(Math.abs(seconds));
	const two = (n: number) => String(n).padStart(2, '0');
	const h = Math.floor(s / 3600);
	const m = Math.floor(s / 60) % 60;
	return h > 0 || hours ? `${sign}${h}:${two(m)}:${two(s % 60)}` : `${sign}${m}:${two(s % 60)}`;
}

/** Whole minutes (65′); seconds (65″) where the whole race is shorter than 15 minutes, as on the test bench. */
export function short(seconds: number, end_s: number): string {
	return end_s < 900 ? `${Math.floor(seconds)}″` : `${Math.floor(seconds / 60)}′`;
}

/** Half the width of an interval, ±40″ or ±5′; empty where the instant is known to the second. */
export function uncertainty(low_s: number, high_s: number): string {
	const half_s = (high_s - low_s) / 2;
	if (half_s < 1) return '';
	return half_s < 120 ? `±${Math.round(half_s)}″` : `±${Math.round(half_s / 60)}′`;
}

const points_formats = new Map<string, Intl.NumberFormat>();

export function points(score: number, language: LanguageCode): string {
	let format = points_formats.get(language);
	if (!format) {
		format = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
		points_formats.set(language, format);
	}
	// -0.04 is not "-0.0" to anyone who reads it.
	return format.format(Math.abs(score) < 0.05 ? 0 : score);
}

/** For search: case and accents do not matter. */
export function plain(text: string): string {
	return text
		.normalize('NFD')
		.replace(/\p{M}/gu, '')
		.toLowerCase();
}
