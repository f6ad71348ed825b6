import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { takeOpenLink } from './api/session.ts';
import './shell/page.css';
import { App } from './shell/app.tsx';

const refused = await takeOpenLink();
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App refused={refused} />
    </StrictMode>,
  );
}
