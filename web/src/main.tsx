import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { apply } from './parts/prefs';
import { askEarly } from './parts/who';
import { router } from './router';
import './style/base.css';

askEarly();
apply();

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <RouterProvider router={router} />
    </StrictMode>,
  );
