import { mount } from 'svelte';
import '../look/base.css';
import Train from './Train.svelte';

mount(Train, { target: document.getElementById('app') as HTMLElement });
