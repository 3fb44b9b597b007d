// Light by default (a projector in a lit room washes dark out), dark, high contrast: ?theme=, key L, remembered.

import { recall, remember } from './memory';

export const themes = ['light', 'dark', 'contrast'] as const;
export type ThemeName = (typeof themes)[number];

const known = (name: string | null): ThemeName | null => themes.find((theme) => theme === name) ?? null;

class Theme {
	name = $state<ThemeName>('light');

	constructor() {
		const asked = known(new URLSearchParams(location.search).get('theme'));
		if (asked) remember('theme', asked);
		this.set(asked ?? known(recall('theme')) ?? 'light');
	}

	private set(name: ThemeName): void {
		this.name = name;
		document.documentElement.dataset.theme = name;
	}

	next(): void {
		const name = themes[(themes.indexOf(this.name) + 1) % themes.length] as ThemeName;
		this.set(name);
		remember('theme', name);
	}
}

export const theme = new Theme();

/** A key pressed by someone who is not typing, and not a shortcut of the browser. Upper case. */
export function plainKey(event: KeyboardEvent): string {
	const typing = event.target instanceof HTMLElement && event.target.closest('input, select, textarea');
	return typing || event.ctrlKey || event.metaKey || event.altKey ? '' : event.key.toUpperCase();
}
