import control from './control.module.css';
import dialogs from './dialog.module.css';
import pages from './page.module.css';
import status from './status.module.css';
import table from './table.module.css';
import text from './text.module.css';

const controlled = (own = '') => `${control.controls} ${own}`;

/** The classes that pages share, each from the file that holds it. What one part or one page alone uses lies beside it. */
const css: Readonly<Record<string, string>> = {
  ...control,
  ...pages,
  ...text,
  ...table,
  ...dialogs,
  ...status,
  page: controlled(pages.page),
  dialog: controlled(dialogs.dialog),
};

export default css;
