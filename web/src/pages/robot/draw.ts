/** How a cell of the grid of robots looks on a canvas: the shape of the status, in a colour. */
import { cell } from './cells';

type Pen = CanvasRenderingContext2D;

/** shape draws the shape of a status into a cell whose corner is at x, y. Each has a shape of its own: colour only helps. */
export function shape(p: Pen, status: string, colour: string, x: number, y: number): void {
  const m = cell / 2;
  const r = 5;
  p.fillStyle = colour;
  p.strokeStyle = colour;
  p.lineWidth = 1.5;
  p.beginPath();
  switch (status) {
    case 'online':
      p.arc(x + m, y + m, r, 0, 7);
      p.fill();
      break;
    case 'busy':
      p.moveTo(x + m, y + 1);
      p.lineTo(x + cell - 1, y + m);
      p.lineTo(x + m, y + cell - 1);
      p.lineTo(x + 1, y + m);
      p.fill();
      break;
    case 'offline':
      p.arc(x + m, y + m, r - 0.75, 0, 7);
      p.stroke();
      break;
    case 'error':
      p.moveTo(x + m, y + 1);
      p.lineTo(x + cell - 1, y + cell - 2);
      p.lineTo(x + 1, y + cell - 2);
      p.fill();
      break;
    case 'maintenance':
      p.fillRect(x + 2, y + 2, cell - 4, cell - 4);
      break;
    case 'paused':
      p.fillRect(x + 3, y + 2, 3, cell - 4);
      p.fillRect(x + 8, y + 2, 3, cell - 4);
      break;
    case 'draining':
      p.fillRect(x + m - 0.75, y + 1, 1.5, 7);
      p.moveTo(x + 3, y + 6);
      p.lineTo(x + cell - 3, y + 6);
      p.lineTo(x + m, y + 10);
      p.fill();
      p.fillRect(x + 3, y + cell - 2.5, cell - 6, 1.5);
      break;
    default:
      p.fillRect(x + m - 1, y + m - 1, 2, 2);
  }
}

/** silent marks a cell whose robot is silent: a corner in the colour of warning. */
export function silent(p: Pen, colour: string, x: number, y: number): void {
  p.fillStyle = colour;
  p.fillRect(x + cell - 4, y, 4, 4);
}

/** frame marks the cell on which the keys are. */
export function frame(p: Pen, colour: string, x: number, y: number): void {
  p.strokeStyle = colour;
  p.lineWidth = 2;
  p.strokeRect(x - 1, y - 1, cell + 2, cell + 2);
}
