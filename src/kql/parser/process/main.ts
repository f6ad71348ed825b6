import { loadLanguage } from './load-language.ts';
import { serve } from './serve.ts';

loadLanguage();
serve();
