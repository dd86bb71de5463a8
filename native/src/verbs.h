#ifndef VERBS_H
#define VERBS_H
int explain_main(void);
#endif
