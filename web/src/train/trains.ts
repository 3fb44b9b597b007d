import { mount } from 'svelte';
import '../look/base.css';
import Overview from './Overview.svelte';

mount(Overview, { target: document.getElementById('app') as HTMLElement });
