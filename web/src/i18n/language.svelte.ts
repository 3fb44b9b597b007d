// The language: ?lang=, else what was chosen last, else the browser's (what it sends as Accept-Language).

import type { Exercise } from '../api/contract';
import type { LanguageCode } from '../format';
import { recall, remember } from '../look/memory';
import { catalogue, type Words } from './catalogue';

function known(code: string | null | undefined): LanguageCode | null {
	const short = code?.slice(0, 2).toLowerCase();
	return short === 'en' || short === 'fr' ? short : null;
}

function first(): LanguageCode {
	const asked = known(new URLSearchParams(location.search).get('lang'));
	if (asked) remember('lang', asked);
	const spoken = navigator.languages.map(known).find((code) => code !== null);
	return asked ?? known(recall('lang')) ?? spoken ?? 'en';
}

class Language {
	code = $state<LanguageCode>(first());

	get words(): Words {
		return catalogue[this.code];
	}

	/** What an exercise is called; by its key where the scenario has no title in this language. */
	title(exercise: Exercise | undefined): string {
		return exercise?.title?.[this.code] || (exercise?.name ?? '');
	}

	choose(code: LanguageCode): void {
		this.code = code;
		remember('lang', code);
		const url = new URL(location.href);
		if (url.searchParams.has('lang')) {
			url.searchParams.set('lang', code);
			history.replaceState(null, '', url);
		}
	}

	toggle(): void {
		this.choose(this.code === 'en' ? 'fr' : 'en');
	}
}

export const language = new Language();
